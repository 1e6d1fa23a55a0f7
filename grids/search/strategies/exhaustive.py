"""Verifies every group, then takes the best partition: the truth for five degradations or fewer."""

from itertools import combinations

from grids.base.errors import InputError
from grids.search.contract import Drops, Requests, SearchSettings, Similarity, Solution, outcomes
from grids.search.group_names import group_name
from grids.search.partition import minimum_partition

LIMIT = 5


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The next groups that are not verified, or the fewest groups with the least total drop.

    Raises:
        InputError: more than five degradations.
    """
    names = similarity.names
    if len(names) > LIMIT:
        raise InputError(
            f"strategy exhaustive verifies every group of at most {LIMIT} degradations, not of "
            f"{len(names)}; take active"
        )
    known = outcomes(measured, names, settings.delta)
    every = [group for size in range(2, len(names) + 1) for group in combinations(names, size)]
    unknown = [group for group in every if group not in known][: settings.requests_per_round]
    if unknown:
        why = {"requests": {group_name(group): {"step": "every group"} for group in unknown}}
        return Requests(tuple(unknown), why)
    cost = {group: sum(measured[group].values()) for group in every if known[group]}
    return Solution(minimum_partition(names, cost | {(name,): 0.0 for name in names}), {})
