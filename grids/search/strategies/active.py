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
from typing import Any

from grids.search.contract import (
    Drops,
    Group,
    Requests,
    SearchSettings,
    Similarity,
    Solution,
    outcomes,
)
from grids.search.drops.model import fit
from grids.search.group_names import group_name
from grids.search.planning import Outlook, bet_worth, cheapest_plan, outlook_of


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The next groups to verify, or the partition found."""
    known = outcomes(measured, similarity.names, settings.delta)
    failures = sum(not passed for passed in known.values())
    worth = settings.group_worth
    bets = bet_worth(worth, failures)
    model = fit(similarity, measured, settings.delta)
    outlook = outlook_of(model, known, worth)
    chosen = cheapest_plan(outlook, worth, bets)
    requests: dict[Group, dict[str, Any]] = {}
    planned = chosen
    while (unknown := outlook.open(planned)) and len(requests) < settings.requests_per_round:
        for group in unknown:
            requests.setdefault(group, _reason(outlook, group, planned))
        outlook = outlook.without(unknown[0])
        planned = cheapest_plan(outlook, worth, bets)
    why: dict[str, Any] = {"group_worth": worth, "bet_worth": bets, "failures": failures}
    if not requests:
        return Solution(tuple(sorted(chosen)), why)
    groups = tuple(requests)[: settings.requests_per_round]
    why["requests"] = {group_name(group): requests[group] for group in groups}
    why["partition"] = [group_name(group) for group in chosen]
    why["left"] = _left([requests[g]["chance"] for g in groups], settings.requests_per_round)
    return Requests(groups, why)


def _reason(outlook: Outlook, group: Group, partition: tuple[Group, ...]) -> dict[str, Any]:
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
