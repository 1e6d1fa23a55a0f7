"""Photographs that stand in two sets: those that a model was trained on say little in a test."""

from collections.abc import Iterable

import pandas as pd

SHOWN = 3


def shared(trained: pd.DataFrame, tested: pd.DataFrame) -> list[str]:
    """Names of the tested photographs of which a part is trained on as well, sorted.

    Args:
        trained, tested: rows of indexes (`grids.images.reading.index`): `path`, `sha256`, and
            `left` and `width` of the part that is used.
    """
    # Every start of the workflow asks, and nearly always nothing is shared: joining takes longer.
    if set(tested["sha256"]).isdisjoint(trained["sha256"]):
        return []
    both = tested.merge(trained, on="sha256", suffixes=("", "_trained"))
    before_end = both["left"] < both["left_trained"] + both["width_trained"]
    behind_start = both["left_trained"] < both["left"] + both["width"]
    return sorted(both["path"][before_end & behind_start].unique())


def described(names: Iterable[str], total: int, test_set: str) -> str:
    """A sentence about what `shared` found, which must be something."""
    names = list(names)
    listed = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return (
        f"{len(names)} of {total} photographs of {test_set} are trained on as well ({listed}): "
        "what is measured on them says little about other photographs."
    )
