import hashlib
import os

import numpy as np
import pytest
from PIL import Image

from grids.base.errors import InputError
from grids.images import pairs, reading, sets
from grids.images.store import Store, write


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
def test_lossless_formats_give_their_pixels(tmp_path, rng, suffix):
    pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", pixels, **options)
    assert np.array_equal(reading.read(path), pixels)


def test_greyscale_becomes_rgb(tmp_path, rng):
    grey = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    read = reading.read(save(tmp_path / "g.png", grey))
    assert np.array_equal(read, np.repeat(grey[..., None], 3, axis=2))


def test_sixteen_bits_become_eight(tmp_path):
    deep = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    read = reading.read(save(tmp_path / "d.png", deep))
    assert np.array_equal(read[..., 0], np.rint(deep / 257))


def test_transparency_is_laid_over_black(tmp_path):
    pixels = np.full((8, 8, 4), 200, np.uint8)
    pixels[..., 3] = np.where(np.arange(8) < 4, 0, 255)
    read = reading.read(save(tmp_path / "t.png", pixels))
    assert (read[:, :4] == 0).all()
    assert (read[:, 4:] == 200).all()


def test_exif_orientation_is_respected(tmp_path, rng):
    pixels = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    path = save(tmp_path / "r.png", pixels, exif=exif)
    assert np.array_equal(reading.read(path), np.rot90(pixels, -1))
    assert reading.size(path) == (20, 30)


def test_find_searches_folders_and_globs(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.PNG", "a.jpg", "deep/c.webp", "note.txt"):
        (tmp_path / name).touch()
    names = [str(p.relative_to(tmp_path)) for p in sets.find(str(tmp_path))]
    assert names == ["a.jpg", "b.PNG", "deep/c.webp"]
    assert [p.name for p in sets.find(str(tmp_path / "*.jpg"))] == ["a.jpg"]


ALIEN = (
    *("._a.jpg", ".hidden.png", ".ipynb_checkpoints/a-checkpoint.png", ".thumbnails/x.png"),
    *(".Trash-1000/files/a.png", "deep/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/._a.jpg"),
    *("$RECYCLE.BIN/a.png", "deep/#recycle/b.png", "lost+found/c.png", "Thumbs.db", ".a/b/c.tif"),
)


def test_what_no_one_means_is_passed_over(tmp_path):
    root = tmp_path / ".hidden" / "@eaDir"  # where someone looks is meant
    for name in ("a.jpg", "deep/b.BMP", "deep/eaDir/c.tif", *ALIEN):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    os.mkfifo(root / "pipe.png")  # whose reader would wait for ever
    meant = ["a.jpg", "deep/b.BMP", "deep/eaDir/c.tif"]
    names = [str(path.relative_to(root)) for path in sets.find(str(root))]
    assert names == meant
    assert [str(p.relative_to(root)) for p in sets.find(f"{root}/**/*.*")] == meant
    assert len(sets.find(f"{root}/.thumbnails/*.png")) == 1
    assert len(sets.find(f"{root}/deep/@eaDir/**/*.jpg")) == 1
    clean = tmp_path / "clean"
    for name in meant:
        (clean / name).parent.mkdir(parents=True, exist_ok=True)
        (clean / name).touch()
    split = {"train": "a", "pies": "deep/b", "test": "deep/eaDir/c"}
    found = pairs.find(str(root), str(clean), split)
    assert [len(files) for files in found.values()] == [2, 2, 2]


@pytest.mark.parametrize("missing", ["nowhere", "empty", "empty/*.png"])
def test_find_says_what_is_not_there(tmp_path, missing):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no such folder|no image is there") as error:
        sets.find(str(tmp_path / missing))
    assert "\n" not in str(error.value)


def test_embedded_bands_are_disjoint_and_cover_the_width():
    paths = sets.find("embedded")
    tables = [
        reading.index(paths, paths[0].parent, sets.columns("embedded", role))
        for role in ("train", "pies", "test")
    ]
    for train, pies, test in zip(*(t.itertuples() for t in tables), strict=True):
        assert train.left == 0
        assert train.left + train.width == pies.left
        assert pies.left + pies.width == test.left
        assert test.left + test.width == reading.size(paths[train.Index])[0]
    assert len({name for t in tables for name in reading.identities(t)}) == 15


def test_index_describes_files(tmp_path, rng):
    path = save(tmp_path / "a.png", rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    (row,) = reading.index([path], tmp_path).itertuples()
    assert (row.path, row.left, row.width, row.height) == ("a.png", 0, 30, 20)
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_broken_images_are_named_and_counted(tmp_path, rng):
    good = [
        save(tmp_path / f"{i}.png", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        for i in range(3)
    ]
    truncated = tmp_path / "x.png"
    truncated.write_bytes(good[0].read_bytes()[:5000])
    with pytest.raises(InputError, match=r"x\.png: cannot be read .*1 bad, 3 good"):
        reading.index([*good, truncated], tmp_path)
    truncated.write_bytes(b"")
    with pytest.raises(InputError, match=r"x\.png: cannot be read .*1 bad, 3 good"):
        sets.check([*good, truncated], reading.WHOLE, 32, "pies.size")
    with pytest.raises(InputError, match=r"64×64 pixels, but training\.patch needs 65×65"):
        sets.check(good, reading.WHOLE, 65, "training.patch")


def test_a_changed_photograph_and_one_that_is_gone_are_noticed(tmp_path, rng):
    path = save(tmp_path / "a.png", rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    table = reading.index([path], tmp_path)
    save(path, np.zeros((21, 30, 3), np.uint8))
    with pytest.raises(InputError, match="changed since it was indexed"):
        list(reading.photographs(tmp_path, table))
    path.unlink()
    with pytest.raises(InputError, match=r"a\.png: cannot be read"):
        list(reading.photographs(tmp_path, table))


def test_store_gives_back_every_photograph(tmp_path):
    paths = sets.find("embedded")
    table = reading.index(paths, paths[0].parent, (0.2, 0.5))
    write(tmp_path / "s.npy", table, reading.photographs(paths[0].parent, table))
    store = Store(tmp_path / "s.npy", table)
    assert len(store) == 5
    for stored, photograph in zip(store, reading.photographs(paths[0].parent, table), strict=True):
        assert np.array_equal(stored, photograph)


def test_a_truncated_store_is_refused(tmp_path):
    paths = sets.find("embedded")
    table = reading.index(paths, paths[0].parent, (0.2, 0.5))
    write(tmp_path / "s.npy", table, reading.photographs(paths[0].parent, table))
    os.truncate(tmp_path / "s.npy", 1000)
    with pytest.raises(InputError, match=r"s\.npy"):
        Store(tmp_path / "s.npy", table)
