"""Photographs: where they are, what is in them, and reading them as 8-bit RGB.

A set of photographs is a folder, a glob, or `embedded`: the colour photographs of natural scenes
that ship inside scikit-image. Each of these five is cut into three vertical bands, so that the
training, the PIES and the test set share scenes but no pixel.
"""

import glob
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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


def find(source: str) -> list[Path]:
    """Files of a set, sorted by name.

    Args:
        source: a folder (searched with its sub-folders), a glob, or `embedded`; `~` and
            environment variables are expanded.

    Raises:
        InputError: nothing is there, it cannot be read, or no image is among it.
    """
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
        found = list(Path(expanded).rglob("*"))
    images = sorted(p for p in found if p.suffix.lower() in SUFFIXES and p.is_file())
    if not images:
        raise InputError(f"{source}: no image is there ({', '.join(SUFFIXES)})")
    return images


def columns(source: str, role: str) -> Columns:
    """Part of each photograph's width that a set uses; `role` is `train`, `pies` or `test`."""
    return EMBEDDED_COLUMNS[role] if source == "embedded" else WHOLE


def _band(width: int, part: Columns) -> tuple[int, int]:
    left, right = round(part[0] * width), round(part[1] * width)
    return left, right - left


def size(path: Path, part: Columns = WHOLE) -> tuple[int, int]:
    """Width and height in pixels after EXIF orientation, from the file's header alone.

    Raises:
        InputError: the file is not an image that can be opened.
    """
    with _opened(path) as image:
        width, height = image.size
        if image.getexif().get(ORIENTATION_TAG, 1) >= 5:  # a quarter turn
            width, height = height, width
    return _band(width, part)[1], height


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be read as an image ({error})") from None


def read(path: Path, left: int = 0, width: int | None = None) -> np.ndarray:
    """The columns left … left + width of a photograph as (height, width, 3) uint8 RGB.

    EXIF orientation is applied; greyscale becomes RGB; transparency is laid over black; 16 bits a
    channel become 8 by division by 256.

    Raises:
        InputError: the file cannot be decoded.
    """
    with _opened(path) as image:
        try:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith(("I", "F")):
                grey = np.asarray(image)
                scaled = grey / 256 if image.mode.startswith("I") else grey
                image = Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
            if image.has_transparency_data:
                rgba = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba)
            pixels = np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{path}: cannot be decoded ({error})") from None
    right = pixels.shape[1] if width is None else left + width
    return pixels[:, left:right]


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
    """Table of a set: `path` relative to `root`, `sha256` of the file, `left`, `width`, `height`.

    Every file is decoded once here, so that a broken one is named before anything is computed.

    Raises:
        InputError: files that cannot be decoded, the first named, with the counts.
    """

    def describe(path: Path) -> dict:
        height, full_width = read(path).shape[:2]
        left, width = _band(full_width, part)
        return {
            "path": os.path.relpath(path, root),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "left": left,
            "width": width,
            "height": height,
        }

    return pd.DataFrame(_raise_first(describe, paths))


def identities(table: pd.DataFrame) -> list[str]:
    """What names each photograph's content in the keys of randomness: its checksum and band."""
    return [f"{row.sha256}:{row.left}" for row in table.itertuples()]


def photographs(paths: Sequence[Path], table: pd.DataFrame) -> Iterator[np.ndarray]:
    """The photographs of an index, one by one, as (height, width, 3) uint8 RGB.

    Raises:
        InputError: a file no longer has the size that the index says.
    """
    for path, row in zip(paths, table.itertuples(), strict=True):
        pixels = read(path, row.left, row.width)
        if pixels.shape != (row.height, row.width, 3):
            raise InputError(f"{path}: changed since it was indexed; run the workflow again")
        yield pixels
