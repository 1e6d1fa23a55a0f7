"""Photographs: where they are, what is in them, and reading them as 8-bit RGB.

A set of photographs is a folder, a glob, or `embedded`: the colour photographs of natural scenes
that ship inside scikit-image. Each of these five is cut into three vertical bands, so that the
training, the PIES and the test set share scenes but no pixel.
"""

import glob
import hashlib
import importlib.util
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from grids.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
EMBEDDED = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
WHOLE = (0.0, 1.0)
EMBEDDED_COLUMNS = {"train": (0.0, 0.5), "pies": (0.5, 0.8), "test": (0.8, 1.0)}
ORIENTATION_TAG = 0x0112

Columns = tuple[float, float]
Source = str | Sequence[str]


def find(source: Source) -> list[Path]:
    """Files of a set, sorted by name.

    Args:
        source: a folder (searched with its sub-folders), a glob, or `embedded`; `~` and
            environment variables are expanded. Or the files themselves, in the order to keep.

    Raises:
        InputError: nothing is there, it cannot be read, or no image is among it.
    """
    if not isinstance(source, str):
        return [Path(path) for path in source]
    if source == "embedded":
        # Found without importing scikit-image, which takes most of a second.
        folder = Path(importlib.util.find_spec("skimage").origin).parent / "data"
        return [folder / name for name in EMBEDDED]
    expanded = os.path.expanduser(os.path.expandvars(source))
    if glob.has_magic(expanded) and not os.path.isdir(expanded):
        found = [Path(p) for p in glob.glob(expanded, recursive=True)]
    elif not os.path.isdir(expanded):
        raise InputError(f"{source}: no such folder; write a folder, a glob, or 'embedded'")
    elif not os.access(expanded, os.R_OK | os.X_OK):
        raise InputError(f"{source}: this folder cannot be read; grant permission to read it")
    else:
        found = _walk(expanded, source)
    images = sorted(p for p in found if p.suffix.lower() in SUFFIXES and not p.is_dir())
    gone = [path for path in images if not path.exists()]
    if gone:
        raise InputError(f"{gone[0]}: a link to nothing; mend or remove it [{len(gone)} such]")
    if not images:
        raise InputError(f"{source}: no image is there ({', '.join(SUFFIXES)})")
    return images


def _walk(folder: str, source: str) -> list[Path]:
    """All files below a folder, linked folders included."""

    def unreadable(error: OSError) -> None:
        raise InputError(f"{source}: {error.filename} cannot be read ({error.strerror})")

    found, visited = [], set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=unreadable):
        visited.add(os.path.realpath(place))
        # A link upwards would be walked for ever.
        folders[:] = [f for f in folders if os.path.realpath(os.path.join(place, f)) not in visited]
        found += [Path(place, name) for name in files]
    return found


def columns(source: Source, name: str) -> Columns:
    """Part of each photograph's width that a set uses; a name but `train` and `pies` is a test."""
    role = name if name in EMBEDDED_COLUMNS else "test"
    return EMBEDDED_COLUMNS[role] if source == "embedded" else WHOLE


def _band(width: int, part: Columns) -> tuple[int, int]:
    left, right = round(part[0] * width), round(part[1] * width)
    return left, right - left


def size(path: Path, part: Columns = WHOLE) -> tuple[int, int]:
    """Width and height in pixels after EXIF orientation, from the file's header alone.

    Raises:
        InputError: the file is not an image that can be opened.
    """
    with _naming(path, "read as an image"), Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(ORIENTATION_TAG, 1) >= 5:  # a quarter turn
            width, height = height, width
    return _band(width, part)[1], height


def read(path: Path) -> np.ndarray:
    """A photograph as (height, width, 3) uint8 RGB.

    EXIF orientation is applied; greyscale becomes RGB; transparency is laid over black; 16 bits a
    channel become 8 by division by 256; of an animation the first picture counts.

    Raises:
        InputError: the file cannot be decoded.
    """
    return _decoded(_content(path), path)


@contextmanager
def _naming(path: Path, action: str) -> Iterator[None]:
    """Any exception becomes an InputError that names the file: codecs raise all kinds."""
    try:
        yield
    except Exception as error:
        # Pillow names a buffer by its address.
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "not an image" if unknown else str(error).partition("\n")[0]
        name = str(path).encode("unicode_escape").decode() if "\n" in str(path) else path
        raise InputError(f"{name}: cannot be {action} ({reason})") from None


def _content(path: Path) -> bytes:
    with _naming(path, "read"):
        return path.read_bytes()


def _decoded(content: bytes, path: Path) -> np.ndarray:
    with _naming(path, "decoded"), Image.open(io.BytesIO(content)) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode == "F":
            raise ValueError("its values are floats of unknown range; save it with 8 or 16 bits")
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
        if image.has_transparency_data:
            rgba = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba)
        return np.asarray(image.convert("RGB"))


def check(paths: Sequence[Path], part: Columns, least: int, why: str) -> None:
    """Checks the headers of a set: every file opens and is at least `least` pixels wide and high.

    Raises:
        InputError: names the first bad file, how many are bad and how many are good.
    """

    def inspect(path: Path) -> None:
        width, height = size(path, part)
        if min(width, height) < least:
            raise InputError(f"{path}: {width}×{height} pixels, but {why} needs {least}×{least}")

    _raise_first(inspect, paths)


def _raise_first(function: Callable[[Path], object], paths: Sequence[Path]) -> list:
    """Maps in threads (the codecs release the lock); one line if any file is bad."""

    def attempt(path: Path) -> object:
        try:
            return function(path)
        except InputError as error:
            return error

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        results = list(pool.map(attempt, paths))
    bad = [r for r in results if isinstance(r, InputError)]
    if bad:
        raise InputError(f"{bad[0]} [{len(bad)} bad, {len(paths) - len(bad)} good]")
    return results


def index(paths: Sequence[Path], root: Path, part: Columns = WHOLE) -> pd.DataFrame:
    """Table of a set: one row a file.

    `path` relative to `root`, `sha256` of the file, its `bytes`, `inode` and time of last change
    `changed_ns`, and `left`, `width` and `height` of the part that is used. Every file is decoded
    once here, so that a broken one is named before anything is computed.

    Raises:
        InputError: files that cannot be decoded, the first named, with the counts.
    """

    def describe(path: Path) -> dict:
        stat = path.stat()
        content = _content(path)
        height, full_width = _decoded(content, path).shape[:2]
        left, width = _band(full_width, part)
        return {
            "path": os.path.relpath(path, root),
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "inode": stat.st_ino,
            "changed_ns": stat.st_ctime_ns,
            "left": left,
            "width": width,
            "height": height,
        }

    return pd.DataFrame(_raise_first(describe, paths))


def root_of(paths: Sequence[Path]) -> Path:
    """The folder that all files of a set are in."""
    return Path(os.path.commonpath([path.parent for path in paths]))


def content_digest(
    paths: Sequence[Path], part: Columns, code: str, seen: pd.DataFrame | None
) -> str:
    """Short digest of all that the pixels of a set depend on.

    Args:
        paths: the files; their names relative to their common folder count, and their content.
        part: the part of each photograph that is used.
        code: fingerprint of what reads them.
        seen: rows of indexes. A file of their inode, size and time of last change is not read
            again: no copy and no edit keeps all three.
    """
    root = root_of(paths)
    rows = () if seen is None else seen.itertuples()
    sums = {(row.inode, row.bytes, row.changed_ns): row.sha256 for row in rows}

    def named(path: Path) -> tuple[str, str]:
        name, stat = os.path.relpath(path, root), path.stat()
        known = sums.get((stat.st_ino, stat.st_size, stat.st_ctime_ns))
        return name, known or hashlib.sha256(_content(path)).hexdigest()

    content = json.dumps([_raise_first(named, paths), part, code])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def identities(table: pd.DataFrame) -> list[str]:
    """What names each photograph's content in the keys of randomness: its checksum and band."""
    return [f"{row.sha256}:{row.left}" for row in table.itertuples()]


def photographs(paths: Sequence[Path], table: pd.DataFrame) -> Iterator[np.ndarray]:
    """The photographs of an index, one by one, as (height, width, 3) uint8 RGB.

    Raises:
        InputError: the files are no longer those of the index.
    """
    if len(paths) != len(table):
        raise InputError(
            f"{root_of(paths)}: {len(paths)} photographs, {len(table)} when it was indexed; "
            "run the workflow again"
        )
    for path, row in zip(paths, table.itertuples(), strict=True):
        content = _content(path)
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise InputError(f"{path}: changed since it was indexed; run the workflow again")
        yield _decoded(content, path)[:, row.left : row.left + row.width]
