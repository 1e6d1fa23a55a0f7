"""The grid of patches that a photograph is judged by."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grids.base.errors import InputError
from grids.images import patches


@pytest.mark.parametrize(
    ("height", "width", "rows"), [(512, 768, 4), (768, 512, 6), (400, 300, 6), (100, 1600, 1)]
)
def test_rows_and_columns_follow_the_aspect_and_blocks(height, width, rows):
    y, x = np.mgrid[:height, :width]
    image = np.stack([y // 256, y % 256, x % 256], axis=-1).astype(np.uint8)
    cut = patches.grid(image, 24)
    assert cut.shape == (24, 32, 32, 3)
    tops = cut[:, 0, 0, 0].astype(int) * 256 + cut[:, 0, 0, 1]
    assert len(set(tops)) == rows
    assert tops.min() == 0
    assert tops.max() == ((height - 32) // 8 * 8 if rows > 1 else 0)
    assert not (tops % 8).any(), "on the blocks of a JPEG file"
    assert (cut[0] == image[:32, :32]).all()
    last = (width - 32) // 8 * 8
    assert (cut[-1][..., 2] == image[:32, last : last + 32, 2]).all()


def test_patches_are_disjoint_where_there_is_room_and_refused_where_there_is_none():
    image = np.zeros((192, 256, 3), np.uint8)
    image[..., 0], image[..., 1] = np.mgrid[:192, :256]
    cut = patches.grid(image, 24)
    places = np.unique(cut[..., :2].reshape(-1, 2), axis=0)
    assert len(places) == 24 * 32 * 32
    assert patches.grid(image[:64, :64], 24).shape == (24, 32, 32, 3)
    with pytest.raises(InputError, match="256×63"):
        patches.grid(image[:63], 24)


def textured(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(
    st.integers(100, 200),
    st.integers(100, 200),
    st.lists(st.tuples(*[st.integers(0, 9)] * 4, st.integers(0, 255)), max_size=3),
)
def test_what_frames_a_photograph_is_not_judged(height, width, frames):
    """Margins and lines of one colour each, one around the other, of any width a side."""
    framed, first = textured(height, width), [0, 0]
    for above, below, before, behind, colour in frames:
        framed = np.pad(framed, ((above, below), (before, behind), (0, 0)), constant_values=colour)
        first = [first[0] + above, first[1] + before]
    within = patches.inside(framed)
    place = divmod((within.ctypes.data - framed.ctypes.data) // 3, framed.shape[1])
    np.testing.assert_array_equal(
        within, framed[place[0] :, place[1] :][: len(within), : within.shape[1]]
    )
    if within.shape == framed.shape:
        assert min(height, width) < 64 + 2 * 32 or framed.shape[:2] == (height, width)
        return
    for start, side, begins, length, whole in zip(
        place, within.shape, first, (height, width), framed.shape, strict=False
    ):
        assert not start % 16
        assert begins <= start <= begins + 32 if begins else start == 0
        behind = begins + length - start - side
        assert 0 <= behind <= 32 if begins + length < whole else behind == 0


def test_what_is_even_all_over_or_hardly_more_is_kept_whole():
    even = np.full((120, 90, 3), 200, np.uint8)
    assert patches.inside(even).shape == even.shape
    even[50:60, 50:60] = textured(10, 10)
    assert patches.inside(even).shape == even.shape


def test_frames_of_jpeg_files_are_told_as_well():
    framed = np.full((192, 192, 3), 255, np.uint8)
    framed[24:-24, 24:-24] = 0
    framed[26:-26, 26:-26] = textured(140, 140)
    Image.fromarray(framed).save(file := io.BytesIO(), "jpeg", quality=90)
    assert patches.inside(np.asarray(Image.open(file))).shape == (128, 128, 3)
