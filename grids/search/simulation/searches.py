"""Searches without trainings: any strategy against drops that are known."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grids.base.errors import InputError
from grids.search.contract import Drops, Group, SearchSettings, Similarity, Solution, passes
from grids.search.group_names import group_name
from grids.search.partition import SUBSETS_LIMIT, by_subsets, unmask
from grids.search.simulation.families import Instance


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
    instances: Mapping[int, Instance], strategies: Iterable[str], settings: SearchSettings
) -> pd.DataFrame:
    """Runs strategies on the same instances.

    Returns:
        A row for each strategy and instance: `strategy`, `seed`, `trainings` (groups of at least
        two), `rounds`, `groups`, and where n allows `optimum`, the fewest groups there are, and
        `excess`, the trainings beyond that: an answer's groups must be verified in any case.
    """
    rows = []
    for seed, instance in instances.items():
        known = len(instance.similarity.names) <= SUBSETS_LIMIT
        best = optimum(instance, settings.delta) if known else ()
        for name in strategies:
            done = run(strategy(name), instance.similarity, instance.of, settings)
            row = {
                "strategy": name,
                "seed": seed,
                "trainings": done.trainings,
                "rounds": len(done.rounds),
                "groups": len(done.groups),
            }
            if best:
                row["optimum"] = len(best)
                row["excess"] = done.trainings - len(best)
            rows.append(row)
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, keys: Iterable[str] = ("strategy",)) -> pd.DataFrame:
    """Medians and 95th percentiles of what `compare` found, for each of the keys' values."""
    rows = []
    for values, part in table.groupby(list(keys), sort=False):
        row = dict(zip(keys, values, strict=True))
        row |= {
            "searches": len(part),
            "trainings": part["trainings"].median(),
            "trainings_95": part["trainings"].quantile(0.95),
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


def _check_solution(
    groups: tuple[Group, ...], similarity: Similarity, known: Drops, delta: float
) -> None:
    if sorted(name for group in groups for name in group) != list(similarity.names):
        raise RuntimeError(f"the solution is no partition: {groups}")
    for group in groups:
        if len(group) > 1 and not (group in known and passes(known[group], delta)):
            raise RuntimeError(f"the solution holds {group_name(group)}, which did not pass")
