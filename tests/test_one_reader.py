"""One reader: training, measuring and restoring see the same pixels of every kind of file."""

import subprocess
import sys

import made_files
import numpy as np
import pytest
from PIL import Image, ImageOps

from grids.base.errors import InputError
from grids.images import pairs, reading
from grids.restoring import photographs

FILES = made_files.files()


def said_by(function, path):
    with pytest.raises(InputError) as error:
        function(path)
    message = str(error.value)
    assert message.startswith(f"{path}: cannot be read (")
    assert "\n" not in message
    return message


def upright(pixels, orientation):
    """As Pillow turns it."""
    planes = []
    for plane in np.moveaxis(pixels, -1, 0):
        turned = Image.fromarray(np.ascontiguousarray(plane))
        turned.getexif()[0x0112] = orientation
        planes.append(np.asarray(ImageOps.exif_transpose(turned)))
    return np.stack(planes, -1)


def over_black(colour, alpha):
    """8-bit RGB of colours of any depth."""
    white = np.iinfo(colour.dtype).max
    values = colour.astype(float)
    if alpha is not None:
        values = np.floor(values * alpha[..., None] / white + 0.5)
    return np.repeat(np.rint(values * 255 / white), 3 // colour.shape[2], axis=2)


def test_there_are_files_of_every_kind():
    assert len(FILES) > 250


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_the_same_in_training_and_restoring(tmp_path, name):
    made = FILES[name]
    path = tmp_path / "a.png"
    path.write_bytes(made.content)
    if made.refused:
        message = said_by(reading.read, path)
        assert made.refused in message
        assert said_by(photographs.read, path) == message
        return
    read, photograph = reading.read(path), photographs.read(path)
    # Each as it is meant to be ...
    colour = made.colour
    stored = upright(colour, made.orientation) if name.startswith("tiff turned") else colour
    difference = np.abs(photograph.colour.astype(float) - stored) / np.iinfo(stored.dtype).max
    assert difference.max() <= (0 if made.exact else 0.25)
    assert difference.mean() <= (0 if made.exact else 0.02)
    assert photograph.colour.dtype == stored.dtype
    assert photograph.grey_file == (stored.shape[2] == 1)
    assert (photograph.alpha is None) == (made.alpha is None)
    if made.alpha is not None:
        assert np.array_equal(photograph.alpha, made.alpha)
    assert made.remark in photograph.remarks if made.remark else not photograph.remarks
    # ... and both alike.
    turned = 1 if photograph.format == "TIFF" else made.orientation
    expected = upright(over_black(photograph.colour, photograph.alpha).astype(np.uint8), turned)
    assert np.array_equal(read, expected)
    assert reading.size(path) == read.shape[1::-1]


@pytest.mark.parametrize("name", [name for name, made in FILES.items() if not made.refused])
def test_what_is_read_is_written_and_read_again(tmp_path, name):
    path, target = tmp_path / "a.png", tmp_path / "b.png"
    path.write_bytes(FILES[name].content)
    before = photographs.read(path)
    assert photographs.write(before, before.colour, target, {"group": "jpeg"}) == ()
    after = photographs.read(target)
    difference = np.abs(after.colour.astype(int) - before.colour)
    assert difference.max() <= (24 if before.format == "JPEG" else 0)
    for one, other in ((before.alpha, after.alpha), (before.spare, after.spare)):
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one, other)
    assert (before.format, before.grey_file) == (after.format, after.grey_file)
    assert before.colour.dtype == after.colour.dtype
    lasting = {remark for remark in before.remarks if remark.startswith("only the first")}
    assert set(after.remarks) == lasting
    assert reading.size(target) == reading.size(path)
    shown = np.abs(reading.read(target).astype(int) - reading.read(path))
    assert shown.max() <= (24 if before.format == "JPEG" else 0)


def test_equal_pairs_of_turned_files_are_pairs(tmp_path):
    names = [f"{kind} turned 6" for kind in ("png", "jpeg", "tiff", "webp")]
    files = []
    for name in names:
        files.append(tmp_path / name)
        files[-1].write_bytes(FILES[name].content)
    pairs.check_sizes(files)


def test_the_reader_needs_neither_torch_nor_tables():
    code = "import sys, grids.restoring.photographs\n"
    code += "print({'torch', 'pandas', 'pyarrow', 'scipy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
