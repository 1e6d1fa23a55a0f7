"""What is worth a training, by the chances of groups to pass and what is known for certain.

The plan is the partition of least expected cost (`grids.search.attempts`). Where all of it is
verified, a bet may be worth it: the partition into fewer groups whose chance to pass as a whole,
times what it saves, most exceeds the trainings it takes until one of its groups fails.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from grids.search.attempts import attempt, least_cost
from grids.search.contract import Group
from grids.search.drops.model import DropModel, Prediction
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

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Outlook:
    """What may be tried and what is known.

    Attributes:
        names: the degradations.
        passed: groups that are verified and pass, groups of one among them.
        chance: of the groups that are not verified.
        drop, std: predicted worst drop of these in dB.
        price: trainings that it takes to find out about each of these; 1 where it is not named.
        tried: of these, the groups that may wait until the rest of a plan is as well known.
    """

    names: tuple[str, ...]
    passed: frozenset[Group]
    chance: Mapping[Group, float]
    drop: Mapping[Group, float]
    std: Mapping[Group, float]
    price: Mapping[Group, float] = field(default_factory=dict)
    tried: frozenset[Group] = frozenset()

    def without(self, group: Group) -> "Outlook":
        """As if the group had failed."""
        return replace(self, chance={g: p for g, p in self.chance.items() if g != group})

    def open(self, plan: tuple[Group, ...]) -> list[Group]:
        """Groups of a plan that are not verified, the least likely first."""
        return sorted((g for g in plan if g not in self.passed), key=lambda g: (self.chance[g], g))


def cheapest_plan(outlook: Outlook, worth: float, bet_worth: float) -> tuple[Group, ...]:
    """The plan of least expected cost; a bet that is worth it, if any, where nothing of it is open.

    What was tried and may wait does not count as open here.
    """
    small = len(outlook.names) <= COMPLETE
    chosen = _by_subsets(outlook, worth) if small else _by_program(outlook, worth)
    if not outlook.tried.issuperset(outlook.open(chosen)):
        return chosen
    bets = _bets_by_subsets if small else _bets_by_program
    value = {bet: _value(outlook, bet, len(chosen), bet_worth) for bet in bets(outlook, chosen)}
    best = max(value, key=value.__getitem__, default=chosen)
    return best if value and value[best] > 0 else chosen


def _value(outlook: Outlook, bet: tuple[Group, ...], groups: int, worth: float) -> float:
    """What a bet on fewer groups saves on average, less the trainings until one of it fails."""
    groups_open = outlook.open(bet)
    chances = [outlook.chance[group] for group in groups_open]
    prices = [outlook.price.get(group, 1.0) for group in groups_open]
    trainings = sum(math.prod(chances[:i]) * price for i, price in enumerate(prices))
    return math.prod(chances) * worth * (groups - len(bet)) - trainings


def _by_subsets(outlook: Outlook, worth: float) -> tuple[Group, ...]:
    chance, passed, price = _arrays(outlook)
    return tuple(unmask(part, outlook.names) for part in least_cost(chance, passed, worth, price))


def _bets_by_subsets(outlook: Outlook, chosen: tuple[Group, ...]) -> list[tuple[Group, ...]]:
    """The most likely partition into each number of groups below that of `chosen`."""
    chance, passed, _ = _arrays(outlook)
    with np.errstate(divide="ignore"):
        weights = np.where(passed, 0, -np.log(chance))
    table = cheapest(weights, len(chosen) - 1)
    counts = np.flatnonzero(np.isfinite(table[:, -1])).tolist()
    names = outlook.names
    return [tuple(unmask(part, names) for part in parts(table, weights, k)) for k in counts]


def _arrays(outlook: Outlook) -> tuple[Floats, Booleans, Floats]:
    """Chances of all subsets, which of them passed, and their prices."""
    bit = {name: 1 << i for i, name in enumerate(outlook.names)}
    chance = np.zeros(1 << len(bit))
    passed = np.zeros(len(chance), dtype=bool)
    price = np.ones(len(chance))
    for group, value in outlook.chance.items():
        chance[sum([bit[name] for name in group])] = value
    for group, value in outlook.price.items():
        price[sum([bit[name] for name in group])] = value
    passed[[sum([bit[name] for name in group]) for group in outlook.passed]] = True
    return chance, passed, price


def _by_program(outlook: Outlook, worth: float) -> tuple[Group, ...]:
    """As `_by_subsets`, but a group that fails gives up one of its degradations after the other."""
    cost = dict.fromkeys(outlook.passed, worth)
    worthy = set(cost)
    for group in sorted(outlook.chance, key=len):
        rests = [cost.get(group[:i] + group[i + 1 :], math.inf) for i in range(len(group))]
        split = worth + min(min(rests), worth * (len(group) - 1))
        chance, price = outlook.chance[group], outlook.price.get(group, 1.0)
        cost[group] = min(split, float(attempt(chance, split, worth, price)))
        if cost[group] < split:
            worthy.add(group)
    return least_total(outlook.names, {g: cost[g] for g in worthy}, ROOT_NODE)


def _bets_by_program(outlook: Outlook, chosen: tuple[Group, ...]) -> list[tuple[Group, ...]]:
    """A partition into fewer groups than `chosen`, if there is one of any chance worth a bet."""
    cost = {group: -math.log(chance) for group, chance in outlook.chance.items()}
    cost |= dict.fromkeys(outlook.passed, 0.0)
    found = by_program(outlook.names, cost, effort=ROOT_NODE)
    return [found] if len(found) < len(chosen) else []


def bet_worth(worth: float, failures: float) -> float:
    """Trainings that a group fewer is worth to a bet: high at first, less with each failure.

    The chances of rare events are the least certain ones, and failures say that they were too high.
    """
    return worth * BET * 2 ** (-failures / HALVED_AFTER)


def outlook_of(model: DropModel, known: Mapping[Group, bool], worth: float) -> Outlook:
    """What a model says of the groups that are not known to pass or to fail.

    Args:
        model: of the drops.
        known: whether each verified group passes, groups of one among them.
        worth: of a group, in trainings: decides how small a chance is looked at.
    """
    names = model.similarity.names
    predictions = _predictions(model, worth) if len(names) > 1 else []
    chance, drop, std = {}, {}, {}
    for inside, predicted in predictions:
        for i, row in enumerate(inside):
            group = tuple(name for name, is_in in zip(names, row, strict=True) if is_in)
            if group not in known:
                chance[group] = math.exp(predicted.log_chance[i])
                drop[group], std[group] = float(predicted.mean[i]), float(predicted.std[i])
    passed = frozenset(group for group, ok in known.items() if ok)
    return Outlook(names, passed, chance, drop, std)


def _predictions(model: DropModel, worth: float) -> Iterator[tuple[Booleans, Prediction]]:
    """The groups that may be worth a training or a bet, in parts, and what is predicted of them."""
    n = len(model.similarity.names)
    # No bet can save more than this many trainings.
    least = -math.log(BET * worth * n)
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
