"""What trainings up to a level cost, in shares of a whole training."""

from collections.abc import Collection, Iterable

from grids.base.levels import WHOLE
from grids.search.contract import Group, Trial


def cost(levels: Collection[int], decay: float) -> float:
    """Of a model that is measured at some levels, each going on from the one before.

    Every level but the last one spends the share `decay` of its steps on an end of its own, behind
    which nothing goes on.
    """
    last = max(levels, default=0)
    return (last + decay * (sum(levels) - last)) / WHOLE


def step(levels: Collection[int], level: int, decay: float) -> float:
    """Of one level more, above those that a model has been trained up to."""
    return cost([*levels, level], decay) - cost(levels, decay)


def total(trials: Iterable[Trial], decay: float) -> float:
    """Of all models that were trained up to some levels."""
    levels: dict[Group, list[int]] = {}
    for trial in trials:
        levels.setdefault(trial.group, []).append(trial.level)
    return sum(cost(of_model, decay) for of_model in levels.values())
