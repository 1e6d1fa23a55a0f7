"""What a strategy of the search is told and what it answers.

A strategy is a module of `grids/search/strategies/` with one pure function

    plan(similarity, measured, settings) -> Requests | Solution

where `measured` are drops, or PSNR by level if the module says `LEVELS = True`. Requests are
trained and verified, then `plan` is called again with what is known by then: all state is in
`measured`. So a search can stop, go on, change its δ or its strategy, and loses no training.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.base.levels import WHOLE
from grids.search.group_names import group_name, trial_name

# Names of degradations in alphabetical order.
Group = tuple[str, ...]

# Drop of each member of each verified group in dB, positive where the group's model is worse than
# the single-task model. Groups of one are their own reference: known, 0. A drop of infinity says
# that the training failed for good.
Drops = Mapping[Group, Mapping[str, float]]

# Mean PSNR in dB of each model on each of its degradations, by level (`grids.base.levels`)
# and group; groups of one are single-task models. −∞ where the training failed for good.
Levels = Mapping[int, Mapping[Group, Mapping[str, float]]]


@dataclass(frozen=True, eq=False)
class Similarity:
    """The similarity matrix S (GRIDS, Section 4.1).

    Attributes:
        names: the n degradations in alphabetical order.
        distance: S from row to column, shape (n, n); smaller is more similar.
        distance_std: standard errors of S, shape (n, n).
        affinity: how far a step for the degradation of a row lowers the loss of that of a column
            (see `grids.training.affinity`), shape (n, n); larger is better. None: not measured.
    """

    names: tuple[str, ...]
    distance: NDArray[np.float64]
    distance_std: NDArray[np.float64]
    affinity: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class SearchSettings:
    """What the search is asked for.

    Attributes:
        delta: largest drop in dB that a group's model may have on any of its degradations.
        requests_per_round: groups that may be trained side by side, at least 1.
        tolerance: width of the bins of the rankings in units of S (`grids.search.candidates.rank`).
        all_solutions: ask for every partition with the fewest groups instead of one
            (strategy `paper`).
        groups: the partition that strategy `given` verifies.
        group_worth: trainings that one group fewer is worth, above 0 (strategies `active` and
            `budget`).
        number_of_groups: of the answer, whatever they drop; 0: the fewest (strategy `tag`).
        levels: percentages of a training at which models may be measured, ascending (strategy
            `budget`, as what follows).
        decay: share of its steps that a training at a level spends on its own end.
        certificate: `full` or `bounded`, what is asked of the answer.
        confidence: least probability that a group passes under the certificate `bounded`.
    """

    delta: float
    requests_per_round: int = 1
    tolerance: float = 0.1
    all_solutions: bool = False
    groups: tuple[Group, ...] = ()
    group_worth: float = 32.0
    number_of_groups: int = 0
    levels: tuple[int, ...] = ()
    decay: float = 0.2
    certificate: str = "full"
    confidence: float = 0.9


@dataclass(frozen=True)
class Requests:
    """Groups to train and verify next, the most urgent first, and why (fit for JSON).

    `short` are those that are to be trained up to a lower level (strategy `budget`).
    """

    groups: tuple[Group, ...]
    why: dict[str, Any]
    short: tuple["Trial", ...] = ()

    @property
    def trials(self) -> tuple["Trial", ...]:
        """All that is asked for."""
        return (*map(Trial, self.groups), *self.short)


@dataclass(frozen=True)
class Trial:
    """A model that is trained up to a level (`grids.base.levels`), usually to its end."""

    group: Group
    level: int = WHOLE

    @property
    def name(self) -> str:
        """What it is called in plans."""
        return trial_name(group_name(self.group), self.level)


@dataclass(frozen=True)
class Solution:
    """Verified groups that hold each degradation once, and how they were found (fit for JSON).

    They pass, unless the user gave them (strategy `given`) or their number (strategy `tag`).
    """

    groups: tuple[Group, ...]
    why: dict[str, Any]


def similarity_from(
    table: pd.DataFrame, names: tuple[str, ...] = (), affinities: pd.DataFrame | None = None
) -> Similarity:
    """The similarity matrix from its table.

    Args:
        table: all ordered pairs: `source`, `target`, `distance`, `distance_std`.
        names: the degradations to group; empty: all of the table.
        affinities: all ordered pairs: `source`, `target`, `affinity`; None: not measured.
    """
    chosen = sorted(names or table["source"].unique())

    def square(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
        wide = table.pivot(index="source", columns="target", values=column)
        values: NDArray[np.float64] = wide.loc[chosen, chosen].to_numpy(dtype=np.float64)
        return values

    return Similarity(
        tuple(chosen),
        square(table, "distance"),
        square(table, "distance_std"),
        None if affinities is None else square(affinities, "affinity"),
    )


def passes(drops: Mapping[str, float], delta: float) -> bool:
    """Whether a group's model loses at most `delta` dB on each of its degradations."""
    return max(drops.values()) <= delta


def failed(drops: Mapping[str, float]) -> bool:
    """Whether a group's training failed for good."""
    return max(drops.values()) == math.inf


def outcomes(measured: Drops, names: tuple[str, ...], delta: float) -> dict[Group, bool]:
    """Whether each verified group passes. Groups of one do; other degradations are left out."""
    known = {group: passes(drops, delta) for group, drops in measured.items()}
    inside = {group: passed for group, passed in known.items() if set(group) <= set(names)}
    return inside | {(name,): True for name in names}
