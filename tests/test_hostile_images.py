"""Images that break, surprise or attack: the right pixels, or one line that names the file."""

import io
import os
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photograph_files import damaged
from PIL import Image

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.images import reading, sets
from grids.similarity import pies

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)


def png(pixels=PIXELS, mode=None):
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "png")
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def refused(function, path):
    with pytest.raises(InputError) as error:
        function(path)
    message = str(error.value)
    assert "\n" not in message
    assert path.name in message
    return message


def message_of(function, path):
    """What a function says of a file that may be broken; empty if it takes it."""
    try:
        function(path)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kept", [0, 1, 8, 100, 3000])
def test_truncated(tmp_path, kept):
    refused(reading.read, written(tmp_path, "cut.png", png()[:kept]))


def test_wrong_extension_is_read_by_its_content(tmp_path):
    assert np.array_equal(reading.read(written(tmp_path, "a.jpg", png())), PIXELS)


def test_text_and_folder_with_an_image_s_name(tmp_path):
    refused(reading.read, written(tmp_path, "a.png", b"hello"))
    (tmp_path / "b.png").mkdir()
    refused(reading.read, tmp_path / "b.png")
    assert sets.find(str(tmp_path)) == [tmp_path / "a.png"]


def test_broken_link_is_named(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    written(tmp_path, "a.png", png())
    with pytest.raises(InputError, match=r"link\.png: a link to nothing"):
        sets.find(str(tmp_path))


def test_linked_folders_are_searched_once(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "real").mkdir()
    written(tmp_path / "real", "a.png", png())
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "set" / "upwards").symlink_to(tmp_path / "set")
    names = [str(p.relative_to(tmp_path / "set")) for p in sets.find(str(tmp_path / "set"))]
    assert names == ["linked/a.png"]


def test_another_file_of_the_same_name_size_and_time_is_another(tmp_path):
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "a.tif"
        Image.fromarray(np.full((8, 9, 3), value, np.uint8)).save(path)
        os.utime(path, (0, 0))
    one, two = (sets.find(str(tmp_path / folder)) for folder in ("one", "two"))
    seen = reading.index(one, tmp_path / "one")
    assert reading.content_digest(two, reading.WHOLE, "", seen) != reading.content_digest(
        one, reading.WHOLE, "", seen
    )


def test_decompression_bomb(tmp_path):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 99))
    path = written(tmp_path, "bomb.png", bomb + chunk(b"IEND", b""))
    assert "exceed the limit" in refused(reading.read, path)
    assert "exceed the limit" in refused(reading.size, path)


def test_sixteen_bits(tmp_path):
    deep = RNG.integers(0, 1 << 16, (20, 30), dtype=np.uint16)
    path = tmp_path / "deep.png"
    Image.fromarray(deep).save(path)
    assert np.array_equal(reading.read(path)[..., 0], np.rint(deep / 257))


def test_cmyk_palette_one_bit_and_floats(tmp_path):
    photograph = Image.fromarray(PIXELS)
    photograph.convert("CMYK").save(tmp_path / "cmyk.tiff")
    assert np.abs(reading.read(tmp_path / "cmyk.tiff").astype(int) - PIXELS).max() <= 1
    palette = photograph.quantize(16)
    palette.save(tmp_path / "palette.png")
    expected = np.asarray(palette.convert("RGB"))
    assert np.array_equal(reading.read(tmp_path / "palette.png"), expected)
    photograph.convert("1").save(tmp_path / "bits.png")
    assert set(np.unique(reading.read(tmp_path / "bits.png"))) <= {0, 255}
    Image.fromarray(np.full((8, 9), 0.5, np.float32)).save(tmp_path / "float.tiff")
    assert "8 or 16 bits" in refused(reading.read, tmp_path / "float.tiff")


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 20_000, 3)])
def test_extreme_shapes_are_too_small_for_a_patch(tmp_path, shape):
    path = written(tmp_path, "thin.png", png(np.zeros(shape, np.uint8)))
    assert reading.read(path).shape == shape
    with pytest.raises(InputError, match=r"thin.png: \d+×\d+ pixels, but pies.size needs 32×32"):
        sets.check([path], reading.WHOLE, 32, "pies.size")


def test_unreadable_file(tmp_path, monkeypatch):
    """Root reads everything, so the refusal is made here."""
    path = written(tmp_path, "a.png", png())

    def forbidden(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", forbidden)
    assert "Permission denied" in refused(reading.read, path)


@pytest.mark.parametrize("name", ["a b.png", "it's.png", "ünï.png", "new\nline.png", "{x}[1]*.png"])
def test_names(tmp_path, name):
    path = written(tmp_path, name, png())
    (row,) = reading.index(sets.find(str(tmp_path)), tmp_path).itertuples()
    assert row.path == name
    assert np.array_equal(reading.read(path), PIXELS)


@settings(deadline=None, max_examples=300)
@given(content=damaged(PIXELS[:16, :16]))
def test_damaged_files_give_pixels_or_one_line(tmp_path_factory, content):
    """Flipped bytes anywhere in a PNG, JPEG, WebP or TIFF: never another exception."""
    path = written(tmp_path_factory.mktemp("fuzz"), "a.png", content)
    for function in (reading.read, reading.size):
        assert message_of(function, path).count("\n") == 0


class TestPiesFiles:
    PATCHES = (("00000_0_0", PIXELS[:32, :32]), ("00000_0_9", PIXELS[8:40, 9:41]))

    @pytest.fixture
    def path(self, tmp_path):
        pies.write(tmp_path / "p.parquet", list(self.PATCHES))
        return tmp_path / "p.parquet"

    def test_come_back(self, path):
        for (name, patch), (other, back) in zip(self.PATCHES, pies.read(path), strict=True):
            assert name == other
            assert np.array_equal(patch, back)

    def test_of_another_layout(self, path, tmp_path):
        pd.DataFrame({"id": ["a"], "picture": [b"x"]}).to_parquet(tmp_path / "old.parquet")
        assert "not a PIES set" in refused(pies.read, tmp_path / "old.parquet")

    @settings(deadline=None, max_examples=100)
    @given(st.data())
    def test_damaged(self, tmp_path_factory, data):
        folder = tmp_path_factory.mktemp("fuzz")
        pies.write(folder / "p.parquet", list(self.PATCHES))
        content = bytearray((folder / "p.parquet").read_bytes())
        kept = data.draw(st.integers(0, len(content)))
        if kept:
            content[data.draw(st.integers(0, kept - 1))] ^= data.draw(st.integers(1, 255))
        path = written(folder, "p.parquet", bytes(content[:kept]))
        assert message_of(pies.read, path).count("\n") == 0


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path):
    path = written(tmp_path, "a.bin", b"old")

    def fill():
        with appearing(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fill()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
