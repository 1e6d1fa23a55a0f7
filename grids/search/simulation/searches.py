"""Searches without trainings: any strategy against drops that are known."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grids.base.errors import InputError
from grids.base.levels import WHOLE
from grids.base.plugins import constant_of
from grids.search import costs
from grids.search.contract import (
    Drops,
    Group,
    Levels,
    SearchSettings,
    Similarity,
    Solution,
    Trial,
    passes,
)
from grids.search.drops import levels
from grids.search.group_names import group_name
from grids.search.partition import SUBSETS_LIMIT, by_subsets, unmask
from grids.search.simulation.families import Instance

# PSNR of a group's model at a level on each of its degradations, in dB.
Psnr = Callable[[Group, int], Mapping[str, float]]


@dataclass(frozen=True)
class Run:
    """One search from its start to its solution.

    Attributes:
        groups: the solution.
        measured: the drops of all that was verified.
        rounds: the groups requested in each round.
        whys: what each round said of its requests, then what the solution said.
    """

    groups: tuple[Group, ...]
    measured: dict[Group, Mapping[str, float]]
    rounds: tuple[tuple[Group, ...], ...]
    whys: tuple[dict[str, Any], ...]

    @property
    def trainings(self) -> int:
        return sum(map(len, self.rounds))


def strategy(name: str) -> Callable[..., Any]:
    """The function `plan` of a strategy."""
    plan: Callable[..., Any] = importlib.import_module(f"grids.search.strategies.{name}").plan
    return plan


def asks_for_levels(name: str) -> bool:
    """Whether a strategy asks for levels of trainings and is told PSNR in the place of drops."""
    return bool(constant_of("search/strategies", name, "LEVELS"))


def run(
    plan: Callable[..., Any],
    similarity: Similarity,
    drops: Callable[[Group], Mapping[str, float]],
    settings: SearchSettings,
    measured: Drops | None = None,
) -> Run:
    """Runs a strategy to its end.

    Args:
        plan: of the strategy.
        similarity: what it is told.
        drops: the drop in dB of each member of a group, in place of a training.
        settings: what it is asked for.
        measured: what is verified before.

    Raises:
        RuntimeError: the strategy breaks its contract: it asks for what is known, for more than it
            may or for nothing, or its solution is no partition into groups that were verified.
    """
    known = dict(measured or {})
    rounds: list[tuple[Group, ...]] = []
    whys: list[dict[str, Any]] = []
    while True:
        answer = plan(similarity, known, settings)
        whys.append(answer.why)
        if isinstance(answer, Solution):
            _check_solution(answer.groups, similarity, known, settings.delta)
            return Run(answer.groups, known, tuple(rounds), tuple(whys))
        repeated = [group for group in answer.groups if group in known or len(group) < 2]
        if repeated or not 1 <= len(set(answer.groups)) <= settings.requests_per_round:
            raise RuntimeError(f"the strategy must not ask for {answer.groups}")
        known |= {group: drops(group) for group in answer.groups}
        rounds.append(answer.groups)


@dataclass(frozen=True)
class Budgeted:
    """One search over levels of trainings, from its start to its solution.

    Attributes:
        groups: the solution.
        measured: the PSNR of all that was trained.
        rounds: what was requested in each round.
        whys: as `Run` has them.
    """

    groups: tuple[Group, ...]
    measured: Levels
    rounds: tuple[tuple[Trial, ...], ...]
    whys: tuple[dict[str, Any], ...]

    @property
    def trainings(self) -> int:
        """Of groups of at least two, to their end."""
        return sum(
            trial.level == WHOLE and len(trial.group) > 1
            for asked in self.rounds
            for trial in asked
        )

    def cost(self, decay: float) -> float:
        """Of all that was trained, single-task models included, in whole trainings."""
        return costs.total((trial for asked in self.rounds for trial in asked), decay)

    def stated(self, group: Group) -> float:
        """The probability with which a group of the solution is said to pass."""
        stated: float = self.whys[-1]["probability"].get(group_name(group), 1.0)
        return stated


def run_levels(
    plan: Callable[..., Any],
    similarity: Similarity,
    psnr: Psnr,
    settings: SearchSettings,
    measured: Levels | None = None,
) -> Budgeted:
    """As `run`, with a strategy that asks for levels.

    Args:
        psnr: of a group's model at a level, in place of a training.
        plan, similarity, settings, measured: as `run` takes them.

    Raises:
        RuntimeError: the strategy breaks its contract: it asks for what is known, or for nothing,
            or its solution is no partition into groups that were trained to the end and pass, for
            certain or with the probability that it says and is asked of it.
    """
    known = {level: dict(groups) for level, groups in (measured or {}).items()}
    rounds: list[tuple[Trial, ...]] = []
    whys: list[dict[str, Any]] = []
    while True:
        answer = plan(similarity, known, settings)
        whys.append(answer.why)
        if isinstance(answer, Solution):
            done = Budgeted(answer.groups, known, tuple(rounds), tuple(whys))
            _check_budgeted(done, similarity, settings)
            return done
        asked = answer.trials
        repeated = [trial for trial in asked if trial.group in known.get(trial.level, {})]
        if repeated or not asked:
            raise RuntimeError(f"the strategy must not ask for {asked}")
        for trial in asked:
            known.setdefault(trial.level, {})[trial.group] = psnr(trial.group, trial.level)
        rounds.append(asked)


def optimum(instance: Instance, delta: float) -> tuple[Group, ...]:
    """The true fewest groups, by every group's drop.

    Raises:
        InputError: more degradations than all groups can be listed of.
    """
    names = instance.similarity.names
    n = len(names)
    if n > SUBSETS_LIMIT:
        raise InputError(f"the optimum is known for at most {SUBSETS_LIMIT} degradations, not {n}")
    inside = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    worst = np.where(inside, instance.drops(inside), -np.inf).max(axis=1)
    good = np.flatnonzero((worst <= delta) & (inside.sum(axis=1) > 1))
    cost = {unmask(int(number), names): 0.0 for number in good}
    return by_subsets(names, cost | {(name,): 0.0 for name in names})


def compare(
    instances: Mapping[int, Instance],
    strategies: Iterable[str],
    settings: SearchSettings,
    curves: Mapping[int, Psnr] | None = None,
) -> pd.DataFrame:
    """Runs strategies on the same instances.

    Args:
        instances: by seed.
        strategies: their names.
        settings: what they are asked for.
        curves: PSNR at levels, by seed, for strategies that ask for levels.

    Returns:
        A row for each strategy and instance: `strategy`, `seed`, `trainings` (groups of at least
        two, to their end), `cost` (of everything, single-task models and the mix of all included
        where a strategy needs them, in whole trainings), `rounds`, `groups`, and where n allows
        `optimum`, the fewest groups there are, and `excess`, the trainings beyond that: an
        answer's groups must be verified in any case.
    """
    rows = []
    for seed, instance in instances.items():
        known = len(instance.similarity.names) <= SUBSETS_LIMIT
        best = optimum(instance, settings.delta) if known else ()
        for name in strategies:
            done: Run | Budgeted
            if asks_for_levels(name):
                of = (curves or {})[seed]
                done = run_levels(strategy(name), instance.similarity, of, settings)
                cost = done.cost(settings.decay)
            else:
                done = run(strategy(name), instance.similarity, instance.of, settings)
                cost = len(instance.similarity.names) + 1 + done.trainings
            row = {
                "strategy": name,
                "seed": seed,
                "trainings": done.trainings,
                "cost": cost,
                "rounds": len(done.rounds),
                "groups": len(done.groups),
            }
            if best:
                row["optimum"] = len(best)
                row["excess"] = done.trainings - len(best)
            rows.append(row)
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, keys: Iterable[str] = ("strategy",)) -> pd.DataFrame:
    """Medians and 95th percentiles of what `compare` found, for each of the keys' values.

    Costs, groups and optima are means.
    """
    rows = []
    for values, part in table.groupby(list(keys), sort=False):
        row = dict(zip(keys, values, strict=True))
        row |= {
            "searches": len(part),
            "trainings": part["trainings"].median(),
            "trainings_95": part["trainings"].quantile(0.95),
            "cost": part["cost"].mean(),
            "rounds": part["rounds"].median(),
            "groups": part["groups"].mean(),
        }
        if "excess" in part:
            row |= {
                "optimum": part["optimum"].mean(),
                "excess": part["excess"].median(),
                "excess_95": part["excess"].quantile(0.95),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _check_budgeted(done: Budgeted, similarity: Similarity, settings: SearchSettings) -> None:
    drops = levels.drops(done.measured)
    known = {
        group: lost
        for group, lost in drops.items()
        if len(lost) == len(group) or not passes(lost, settings.delta)
    }
    bounded = {
        group
        for group in done.groups
        if settings.certificate == "bounded" and done.stated(group) >= settings.confidence
    }
    ends = done.measured.get(WHOLE, {})
    if missing := [group for group in done.groups if group not in ends]:
        raise RuntimeError(f"the solution holds {missing[0]}, which was not trained to its end")
    # Nothing that is known to fail is made good by a probability.
    passed = {group: dict.fromkeys(group, 0.0) for group in bounded - known.keys()}
    _check_solution(done.groups, similarity, known | passed, settings.delta)


def _check_solution(
    groups: tuple[Group, ...], similarity: Similarity, known: Drops, delta: float
) -> None:
    if sorted(name for group in groups for name in group) != list(similarity.names):
        raise RuntimeError(f"the solution is no partition: {groups}")
    for group in groups:
        if len(group) > 1 and not (group in known and passes(known[group], delta)):
            raise RuntimeError(f"the solution holds {group_name(group)}, which did not pass")
