"""A set of photographs decoded once into one memory-mapped file of raw 8-bit RGB.

Training crops from it at the cost of a copy; the operating system shares and drops its pages.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from grids.base.errors import InputError


def write(path: Path, table: pd.DataFrame, photographs: Iterable[np.ndarray]) -> None:
    """Writes the photographs of an index (see `grids.images.reading`) one behind another: a `.npy`.

    Written as a stream: where the disk is full, a mapped file would end the process without a word.
    """
    ends = _ends(table)
    with open(path, "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (int(ends[-1]),)}
        np.lib.format.write_array_header_1_0(file, header)
        for _, pixels in zip(ends, photographs, strict=True):
            file.write(np.ascontiguousarray(pixels).data)


class Store:
    """Read access; indexing gives the i-th photograph as a (height, width, 3) uint8 view.

    Raises:
        InputError: the file does not have the size that the index asks for.
    """

    def __init__(self, path: Path, table: pd.DataFrame):
        try:
            self._data = np.load(path, mmap_mode="r")
        except (ValueError, OSError) as error:
            raise InputError(f"{path}: broken store ({error}); delete it and run again") from None
        self._shapes = [(row.height, row.width, 3) for row in table.itertuples()]
        self._ends = _ends(table)
        if self._data.size != self._ends[-1]:
            raise InputError(f"{path}: does not fit its index; delete it and run again")

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, i: int) -> np.ndarray:
        shape = self._shapes[i]
        end = self._ends[i]
        pixels: np.ndarray = self._data[end - np.prod(shape) : end].reshape(shape)
        return pixels

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))


class Pairs(NamedTuple):
    """Images of a degradation that is given as pairs, (height, width, 3) uint8, in one order."""

    names: Sequence[str]
    degraded: Sequence[np.ndarray]
    clean: Sequence[np.ndarray]


NO_PAIRS: Mapping[str, Pairs] = {}


def read_pairs(
    group: Mapping[str, dict[str, Any]], files: Sequence[str | Path]
) -> dict[str, Pairs]:
    """The pairs of those degradations of a group that are pairs instead of operators.

    Args:
        group: degradations with their parameters, which are `{"pairs": content}` for pairs.
        files: index and store of each of these in turn; a pair's degraded image stands before its
            clean one.
    """
    paired = [name for name, parameters in group.items() if "pairs" in parameters]
    read = {}
    for name, index, store in zip(paired, files[::2], files[1::2], strict=True):
        table = pd.read_parquet(index)
        pixels = list(Store(Path(store), table))
        read[name] = Pairs(list(table["path"][1::2]), pixels[::2], pixels[1::2])
    return read


def _ends(table: pd.DataFrame) -> np.ndarray:
    return np.cumsum(table["width"].to_numpy(np.int64) * table["height"].to_numpy(np.int64) * 3)
