"""Trains what is worth it: a search led by a model of the drops.

1. The model of `grids.search.drops.model` gives each group's chance to pass, from all that is
   measured; verified groups are certain.
2. The plan is the partition of least expected cost, where a group that is kept costs `group_worth`
   trainings and one that is tried costs one (`grids.search.attempts`). Single-task models pass.
3. Where all groups of that plan are verified, the search may bet on fewer: on the partition whose
   chance to pass as a whole, times what it saves, most exceeds the trainings it takes until one of
   its groups fails. Bets have a worth of their own, high at first and less with each failure: the
   chances of rare events are the least certain ones, and failures say that they were too high.
4. Groups of the plan that are not verified are requested, the least likely first, since one that
   fails spares the others. With room for more, the groups of the next best plans follow, as if the
   least likely group of each had failed.
5. Where neither is worth a training, the verified plan is the solution.

The search ends for certain: no group is verified twice.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.search.attempts import attempt, least_cost
from grids.search.contract import (
    Drops,
    Group,
    Requests,
    SearchSettings,
    Similarity,
    Solution,
    outcomes,
)
from grids.search.drops.model import Prediction, fit
from grids.search.group_names import group_name
from grids.search.partition import by_program, cheapest, least_total, parts, unmask

# The worth of a bet before any failure as a multiple of `group_worth`, and how many failures halve
# it: see benchmarks/search.py.
BET = 5.0
HALVED_AFTER = 2.0

# Up to how many degradations all groups are looked at.
COMPLETE = 12

# Beyond COMPLETE degradations: how many groups of each size are kept for each degradation.
WIDTH = 10

# How far the program for a plan of many degradations is searched: seconds for n = 30.
ROOT_NODE = 1

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class _Outlook:
    """What may be tried and what is known.

    Attributes:
        names: the degradations.
        passed: groups that are verified and pass, groups of one among them.
        chance: of the groups that are not verified.
        drop, std: predicted worst drop of these in dB.
    """

    names: tuple[str, ...]
    passed: frozenset[Group]
    chance: Mapping[Group, float]
    drop: Mapping[Group, float]
    std: Mapping[Group, float]

    def without(self, group: Group) -> "_Outlook":
        """As if the group had failed."""
        return replace(self, chance={g: p for g, p in self.chance.items() if g != group})

    def open(self, plan: tuple[Group, ...]) -> list[Group]:
        """Groups of a plan that are not verified, the least likely first."""
        return sorted((g for g in plan if g not in self.passed), key=lambda g: (self.chance[g], g))


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The next groups to verify, or the partition found."""
    known = outcomes(measured, similarity.names, settings.delta)
    failures = sum(not passed for passed in known.values())
    worth = settings.group_worth
    bet_worth = worth * BET * 2 ** (-failures / HALVED_AFTER)
    outlook = _outlook(similarity, measured, known, settings)
    chosen = _plan(outlook, worth, bet_worth)
    requests: dict[Group, dict[str, Any]] = {}
    planned = chosen
    while (unknown := outlook.open(planned)) and len(requests) < settings.requests_per_round:
        for group in unknown:
            requests.setdefault(group, _reason(outlook, group, planned))
        outlook = outlook.without(unknown[0])
        planned = _plan(outlook, worth, bet_worth)
    why: dict[str, Any] = {"group_worth": worth, "bet_worth": bet_worth, "failures": failures}
    if not requests:
        return Solution(tuple(sorted(chosen)), why)
    groups = tuple(requests)[: settings.requests_per_round]
    why["requests"] = {group_name(group): requests[group] for group in groups}
    why["partition"] = [group_name(group) for group in chosen]
    why["left"] = _left([requests[g]["chance"] for g in groups], settings.requests_per_round)
    return Requests(groups, why)


def _plan(outlook: _Outlook, worth: float, bet_worth: float) -> tuple[Group, ...]:
    """The plan of least expected cost; if nothing of it is open, a bet that is worth it, if any."""
    small = len(outlook.names) <= COMPLETE
    chosen = _by_subsets(outlook, worth) if small else _by_program(outlook, worth)
    if outlook.open(chosen):
        return chosen
    bets = _bets_by_subsets if small else _bets_by_program
    value = {bet: _value(outlook, bet, len(chosen), bet_worth) for bet in bets(outlook, chosen)}
    best = max(value, key=value.__getitem__, default=chosen)
    return best if value and value[best] > 0 else chosen


def _value(outlook: _Outlook, bet: tuple[Group, ...], groups: int, worth: float) -> float:
    """What a bet on fewer groups saves on average, less the trainings until one of it fails."""
    chances = [outlook.chance[group] for group in outlook.open(bet)]
    trainings = sum(math.prod(chances[:i]) for i in range(len(chances)))
    return math.prod(chances) * worth * (groups - len(bet)) - trainings


def _by_subsets(outlook: _Outlook, worth: float) -> tuple[Group, ...]:
    chance, passed = _arrays(outlook)
    return tuple(unmask(part, outlook.names) for part in least_cost(chance, passed, worth))


def _bets_by_subsets(outlook: _Outlook, chosen: tuple[Group, ...]) -> list[tuple[Group, ...]]:
    """The most likely partition into each number of groups below that of `chosen`."""
    chance, passed = _arrays(outlook)
    with np.errstate(divide="ignore"):
        weights = np.where(passed, 0, -np.log(chance))
    table = cheapest(weights, len(chosen) - 1)
    counts = np.flatnonzero(np.isfinite(table[:, -1])).tolist()
    names = outlook.names
    return [tuple(unmask(part, names) for part in parts(table, weights, k)) for k in counts]


def _arrays(outlook: _Outlook) -> tuple[NDArray[np.float64], Booleans]:
    """Chances of all subsets, and which of them passed."""
    bit = {name: 1 << i for i, name in enumerate(outlook.names)}
    chance = np.zeros(1 << len(bit))
    passed = np.zeros(len(chance), dtype=bool)
    for group, value in outlook.chance.items():
        chance[sum([bit[name] for name in group])] = value
    passed[[sum([bit[name] for name in group]) for group in outlook.passed]] = True
    return chance, passed


def _by_program(outlook: _Outlook, worth: float) -> tuple[Group, ...]:
    """As `_by_subsets`, but a group that fails gives up one of its degradations after the other."""
    cost = dict.fromkeys(outlook.passed, worth)
    worthy = set(cost)
    for group in sorted(outlook.chance, key=len):
        rests = [cost.get(group[:i] + group[i + 1 :], math.inf) for i in range(len(group))]
        split = worth + min(min(rests), worth * (len(group) - 1))
        cost[group] = min(split, float(attempt(outlook.chance[group], split, worth)))
        if cost[group] < split:
            worthy.add(group)
    return least_total(outlook.names, {g: cost[g] for g in worthy}, ROOT_NODE)


def _bets_by_program(outlook: _Outlook, chosen: tuple[Group, ...]) -> list[tuple[Group, ...]]:
    """A partition into fewer groups than `chosen`, if there is one of any chance worth a bet."""
    cost = {group: -math.log(chance) for group, chance in outlook.chance.items()}
    cost |= dict.fromkeys(outlook.passed, 0.0)
    found = by_program(outlook.names, cost, effort=ROOT_NODE)
    return [found] if len(found) < len(chosen) else []


def _outlook(
    similarity: Similarity,
    measured: Drops,
    known: Mapping[Group, bool],
    settings: SearchSettings,
) -> _Outlook:
    names = similarity.names
    predictions = _predictions(similarity, measured, settings) if len(names) > 1 else []
    chance, drop, std = {}, {}, {}
    for inside, predicted in predictions:
        for i, row in enumerate(inside):
            group = tuple(name for name, is_in in zip(names, row, strict=True) if is_in)
            if group not in known:
                chance[group] = math.exp(predicted.log_chance[i])
                drop[group], std[group] = float(predicted.mean[i]), float(predicted.std[i])
    passed = frozenset(group for group, ok in known.items() if ok)
    return _Outlook(names, passed, chance, drop, std)


def _predictions(
    similarity: Similarity, measured: Drops, settings: SearchSettings
) -> Iterator[tuple[Booleans, Prediction]]:
    """The groups that may be worth a training or a bet, in parts, and what is predicted of them."""
    n = len(similarity.names)
    model = fit(similarity, measured, settings.delta)
    # No bet can save more than this many trainings.
    least = -math.log(BET * settings.group_worth * n)
    if n <= COMPLETE:
        inside = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
        inside = inside[inside.sum(axis=1) > 1]
        inside = inside[model.log_bound(inside) >= least]
        predicted = model.predict(inside)
        likely = np.flatnonzero(predicted.log_chance >= least)
        yield inside[likely], predicted.of(likely)
        return
    layer = np.eye(n, dtype=bool)
    while len(layer):
        layer = _grown(layer)
        layer = layer[model.log_bound(layer) >= least]
        predicted = model.predict(layer)
        kept = _promising(layer, predicted, least)
        layer = layer[kept]
        yield layer, predicted.of(kept)


def _grown(layer: Booleans) -> Booleans:
    """Each group with each degradation that it lacks."""
    parents, added = np.nonzero(~layer)
    grown = layer[parents]
    grown[np.arange(len(grown)), added] = True
    return np.unique(grown, axis=0)


def _promising(layer: Booleans, predicted: Prediction, least: float) -> list[int]:
    """The groups to grow further: the most likely ones that hold each degradation."""
    order = np.argsort(-predicted.log_chance, kind="stable")
    order = order[predicted.log_chance[order] >= least]
    kept = {int(i) for member in range(layer.shape[1]) for i in order[layer[order, member]][:WIDTH]}
    return sorted(kept)


def _reason(outlook: _Outlook, group: Group, partition: tuple[Group, ...]) -> dict[str, Any]:
    return {
        "step": "partition",
        "drop_db": outlook.drop[group],
        "drop_std_db": outlook.std[group],
        "chance": outlook.chance[group],
        "partition": [group_name(group) for group in partition],
    }


def _left(chances: list[float], requests_per_round: int) -> dict[str, int]:
    """About how much is left, if each group that fails is replaced by one as likely."""
    trainings = math.ceil(sum(1 / max(chance, 0.2) for chance in chances))
    return {"trainings": trainings, "rounds": math.ceil(trainings / requests_per_round)}
