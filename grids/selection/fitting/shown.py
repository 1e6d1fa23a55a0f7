"""The cases of a test set, or of the real pairs that take the place of one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from grids.images import reading
from grids.images.store import Store, read_pairs
from grids.selection.fitting import real
from grids.selection.fitting.cases import Case, cases


def of_test_set(
    name: str, index: str, store: str, tried: Mapping[str, Any] | None, seed: int
) -> list[tuple[str, Iterator[Case]]]:
    """The name of each photograph, with its cases, which are made as they are asked for.

    Args:
        name: of the test set.
        index, store: its files.
        tried: what its photographs are put through (see `grids.selection.fitting.cases.cases`);
            None: they are pairs, which are damaged already.
        seed: seed of what is random in that.
    """
    if tried is None:
        (pairs,) = read_pairs({name: {"pairs": None}}, [index, store]).values()
        return list(real.cases(pairs, name))
    table = pd.read_parquet(index)
    return [
        (photograph, cases(pixels, identity, **tried, seed=seed))
        for photograph, identity, pixels in zip(
            table["path"], reading.identities(table), Store(Path(store), table), strict=True
        )
    ]
