"""The grid of patches that a photograph is judged by."""

import numpy as np
import pytest

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
