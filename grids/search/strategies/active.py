"""Trains what would tell most: a search led by a model of the drops.

1. The model of `grids.search.drop_model` gives each group's chance to pass, from all that is
   measured; verified groups are certain.
2. The plan is the exact partition into the fewest groups whose chance to pass all together is at
   least `odds`; among those the most likely one. There always is one: single-task models pass.
3. Its groups that are not verified are requested, the least likely first, since one that fails
   spares the others. With room for more, the groups of the next best plans follow, as if the least
   likely group of each had failed.
4. A plan whose groups are all verified is the solution.

Each group that fails raises the odds asked for, so the search gives in where the model does not
help. It ends for certain: no group is verified twice.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from grids.names import group_name
from grids.search.decision import (
    Drops,
    Group,
    Requests,
    SearchSettings,
    Similarity,
    Solution,
    outcomes,
)
from grids.search.drop_model import Prediction, predict
from grids.search.partition import SUBSETS_LIMIT, by_program, minimum_partition

# The chance of a plan that is worth its trainings at first, and its growth with each failure: a
# compromise between fewer groups and fewer trainings, see benchmarks/search.py.
FIRST_ODDS = 0.001
IMPATIENCE = 2.5
HIGHEST_ODDS = 0.9

# Beyond SUBSETS_LIMIT degradations: how many groups of each size are kept for each degradation.
WIDTH = 10

# How far the program for a plan of many degradations is searched: seconds for n = 30.
ROOT_NODE = 1

Booleans = NDArray[np.bool_]


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The next groups to verify, or the partition found."""
    names = similarity.names
    known = outcomes(measured, names, settings.delta)
    failures = sum(not passed for passed in known.values())
    odds = min(HIGHEST_ODDS, FIRST_ODDS * IMPATIENCE**failures)
    forecasts = _forecasts(similarity, measured, settings.delta, odds)
    cost = {group: -forecast["log_chance"] for group, forecast in forecasts.items()}
    cost |= {group: 0.0 for group, passed in known.items() if passed}
    cost = {group: value for group, value in cost.items() if known.get(group, True)}
    budget = -math.log(odds)
    chosen = _partition(names, cost, budget)
    if all(group in known for group in chosen):
        return Solution(chosen, {"odds_asked_for": odds, "failures": failures})
    requests: dict[Group, dict] = {}
    planned = chosen
    while len(requests) < settings.requests_per_round:
        open_groups = sorted(
            (group for group in planned if group not in known), key=lambda group: -cost[group]
        )
        if not open_groups:
            break
        for group in open_groups:
            requests.setdefault(group, _reason(forecasts[group], planned))
        del cost[open_groups[0]]
        planned = _partition(names, cost, budget)
    groups = tuple(requests)[: settings.requests_per_round]
    why = {
        "requests": {group_name(group): requests[group] for group in groups},
        "partition": [group_name(group) for group in chosen],
        "odds_asked_for": odds,
        "failures": failures,
        "left": _left(chosen, known, forecasts, settings.requests_per_round),
    }
    return Requests(groups, why)


def _partition(
    names: tuple[str, ...], cost: Mapping[Group, float], budget: float
) -> tuple[Group, ...]:
    """The plan; beyond SUBSETS_LIMIT degradations a good one, where the best takes too long."""
    if len(names) <= SUBSETS_LIMIT:
        return minimum_partition(names, cost, budget)
    affordable = {group: value for group, value in cost.items() if value <= budget}
    try:
        return by_program(names, affordable, budget, effort=ROOT_NODE)
    except ValueError:
        return by_program(names, {group: 0.0 for group, value in cost.items() if value == 0})


def _forecasts(
    similarity: Similarity, measured: Drops, delta: float, odds: float
) -> dict[Group, dict[str, float]]:
    """Mean, standard deviation and chance of the groups that a plan may hold."""
    n = len(similarity.names)
    if n < 2:
        return {}
    if n <= SUBSETS_LIMIT:
        inside = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
        inside = inside[inside.sum(axis=1) > 1]
        prediction = predict(similarity, measured, inside, delta)
        return _likely(similarity, inside, prediction, range(len(inside)), odds)
    forecasts: dict[Group, dict[str, float]] = {}
    layer = np.eye(n, dtype=bool)
    while len(layer):
        layer = _grown(layer)
        prediction = predict(similarity, measured, layer, delta)
        kept = _promising(layer, prediction, math.log(odds))
        forecasts |= _likely(similarity, layer, prediction, kept, odds)
        layer = layer[kept]
    return forecasts


def _likely(
    similarity: Similarity,
    inside: Booleans,
    prediction: Prediction,
    kept: Iterable[int],
    odds: float,
) -> dict[Group, dict[str, float]]:
    """Groups less likely than the whole plan has to be cannot be in it."""
    names = np.array(similarity.names)
    return {
        tuple(names[inside[i]].tolist()): {
            "drop": float(prediction.mean[i]),
            "std": float(prediction.std[i]),
            "log_chance": float(prediction.log_chance[i]),
        }
        for i in kept
        if prediction.log_chance[i] >= math.log(odds)
    }


def _grown(layer: Booleans) -> Booleans:
    """Each group with each degradation that it lacks."""
    parents, added = np.nonzero(~layer)
    grown = layer[parents]
    grown[np.arange(len(grown)), added] = True
    return np.unique(grown, axis=0)


def _promising(layer: Booleans, prediction: Prediction, least: float) -> list[int]:
    """The groups to grow further: the most likely ones that hold each degradation."""
    order = np.argsort(-prediction.log_chance, kind="stable")
    order = order[prediction.log_chance[order] >= least]
    kept = {int(i) for member in range(layer.shape[1]) for i in order[layer[order, member]][:WIDTH]}
    return sorted(kept)


def _reason(forecast: Mapping[str, float], partition: tuple[Group, ...]) -> dict:
    return {
        "step": "partition",
        "drop_db": forecast["drop"],
        "drop_std_db": forecast["std"],
        "chance": math.exp(forecast["log_chance"]),
        "partition": [group_name(group) for group in partition],
    }


def _left(
    partition: tuple[Group, ...],
    known: Mapping[Group, bool],
    forecasts: Mapping[Group, Mapping[str, float]],
    requests_per_round: int,
) -> dict[str, int]:
    """About how much is left, if each group that fails is replaced by one as likely."""
    chances = [math.exp(forecasts[g]["log_chance"]) for g in partition if g not in known]
    trainings = math.ceil(sum(1 / max(chance, 0.2) for chance in chances))
    return {"trainings": trainings, "rounds": math.ceil(trainings / requests_per_round)}
