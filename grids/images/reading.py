"""Photographs as 8-bit RGB: reading them, and what their pixels depend on.

The files are found and checked in `grids.images.sets`: what happens there changes no pixel.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grids.base.errors import InputError
from grids.images import decoding

WHOLE = (0.0, 1.0)

Columns = tuple[float, float]


def _band(width: int, part: Columns) -> tuple[int, int]:
    left, right = round(part[0] * width), round(part[1] * width)
    return left, right - left


def size(path: Path, part: Columns = WHOLE) -> tuple[int, int]:
    """Width and height of the upright picture in pixels, from the file's header alone.

    Raises:
        InputError: the file is not an image that can be opened.
    """
    width, height = decoding.size(path)
    return _band(width, part)[1], height


def read(path: Path) -> np.ndarray:
    """A photograph as (height, width, 3) uint8 RGB; see `grids.images.decoding`.

    Raises:
        InputError: the file cannot be decoded.
    """
    return _decoded(decoding.content(path), path)


def _decoded(content: bytes, path: Path) -> np.ndarray:
    with decoding.naming(path):
        return decoding.shown(decoding.decode(content))


def for_each(function: Callable[[Path], object], paths: Sequence[Path]) -> list[Any]:
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

    def describe(path: Path) -> dict[str, Any]:
        stat = path.stat()
        content = decoding.content(path)
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

    return pd.DataFrame(for_each(describe, paths))


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
        return name, known or hashlib.sha256(decoding.content(path)).hexdigest()

    content = json.dumps([for_each(named, paths), part, code])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def identities(table: pd.DataFrame) -> list[str]:
    """What names each photograph's content in the keys of randomness: its checksum and band."""
    return [f"{row.sha256}:{row.left}" for row in table.itertuples()]


def photographs(root: Path, table: pd.DataFrame) -> Iterator[np.ndarray]:
    """The photographs of an index below `root`, one by one, as (height, width, 3) uint8 RGB.

    Raises:
        InputError: a file is gone or no longer that of the index.
    """
    for row in table.itertuples():
        path = root / row.path
        content = decoding.content(path)
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise InputError(f"{path}: changed since it was indexed; run the workflow again")
        yield _decoded(content, path)[:, row.left : row.left + row.width]
