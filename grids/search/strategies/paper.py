"""The paper's search: nested binary searches over the rankings (GRIDS, Section 4.3, Algorithm 1).

The algorithm as printed leaves orders open and has slips; this is the reading taken here:

1. Largest size: binary search over L with the most similar group of Λ_L as the probe.
2. For each size up to it: bisection over the ranks of Λ_L for the boundary between groups that
   pass and groups that fail; groups behind the boundary are discarded.
3. Binary search over the number of groups m. Solve(m) goes depth first through the partitions into
   at most m of the groups that are left, large groups first, each size by rank; a partition is
   verified group by group, and a group that fails is struck.

Every call replays all of it on what is measured, up to the first groups whose result is unknown.
Nothing is verified twice, and the answer does not depend on `requests_per_round`: where several
groups may be trained side by side, the replay goes on under the assumption that an unknown group
passes, and that it fails, which probes further points of each interval.

Which groups are verified does depend on it. A partition that holds a group known to fail is passed
over and its other groups are not trained, however the failure came to be known; one request a round
may have trained them on its way to that failure. From n // 2 requests a round on, all unknown
groups of a partition fit into one round, and there are never more rounds than with one.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from grids.base.errors import InputError
from grids.search.candidates import ranked_groups
from grids.search.contract import (
    Drops,
    Group,
    Requests,
    SearchSettings,
    Similarity,
    Solution,
    outcomes,
)
from grids.search.group_names import group_name
from grids.search.partition import fewest, mask

Ranking = tuple[Group, ...]

# Beyond it the exact search through partitions is too slow.
LIMIT = 14


class Unverified(Exception):
    """The search needs the results of these groups; each has the reason."""

    def __init__(self, reasons: dict[Group, dict[str, Any]]):
        self.reasons = reasons


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The next groups to verify, or the partition found.

    Raises:
        InputError: more than 14 degradations: the exact search through partitions is too slow.
    """
    if len(similarity.names) > LIMIT:
        raise InputError(
            f"strategy paper groups at most {LIMIT} degradations, not "
            f"{len(similarity.names)}; take active"
        )
    known = outcomes(measured, similarity.names, settings.delta)
    reasons: dict[Group, dict[str, Any]] = {}
    # Breadth first: what is needed in any case, then what is needed after one more result, …
    assumptions: deque[dict[Group, bool]] = deque([{}])
    while assumptions and len(reasons) < settings.requests_per_round:
        assumed = assumptions.popleft()
        try:
            solution = _search(similarity, known | assumed, settings)
        except Unverified as needed:
            condition = {group_name(group): passed for group, passed in assumed.items()}
            for group, reason in needed.reasons.items():
                reasons.setdefault(group, reason | ({"if_passed": condition} if assumed else {}))
                assumptions.extend({**assumed, group: passed} for passed in (True, False))
        else:
            if not assumed:
                return solution
    chosen = tuple(reasons)[: settings.requests_per_round]
    return Requests(chosen, {"requests": {group_name(group): reasons[group] for group in chosen}})


def _search(
    similarity: Similarity, known: Mapping[Group, bool], settings: SearchSettings
) -> Solution:
    rankings = _rankings(similarity, settings.tolerance)
    largest = _largest_size(rankings, known)
    unverified: dict[Group, dict[str, Any]] = {}
    boundaries = {}
    for size in range(2, largest + 1):
        try:
            boundaries[size] = _boundary(rankings[size], known, size)
        except Unverified as needed:
            # Sizes do not depend on each other: their probes can be trained side by side.
            unverified |= needed.reasons
    if unverified:
        raise Unverified(unverified)
    left = [group for size in range(largest, 1, -1) for group in rankings[size][: boundaries[size]]]
    left += [(name,) for name in similarity.names]
    why: dict[str, Any] = {
        "largest_size": largest,
        "boundaries": {str(k): v for k, v in boundaries.items()},
    }
    found = _fewest_groups(left, similarity.names, known)
    if settings.all_solutions:
        reason = {"step": "all solutions", "groups": len(found)}
        every = _partitions(left, similarity.names, known, len(found), reason)
        why["solutions"] = [[group_name(group) for group in groups] for groups in every]
    return Solution(tuple(sorted(found)), why)


def _largest_size(rankings: Mapping[int, Ranking], known: Mapping[Group, bool]) -> int:
    low, high, largest = 2, len(rankings), 1
    while low <= high:
        size = (low + high) // 2
        probe = rankings[size][0]
        if _passed(probe, known, {"step": "largest size", "interval": [low, high], "size": size}):
            largest, low = size, size + 1
        else:
            high = size - 1
    return largest


def _boundary(ranking: Ranking, known: Mapping[Group, bool], size: int) -> int:
    """The number of groups before the boundary."""
    low, high = 1, len(ranking)
    while low <= high:
        middle = (low + high) // 2
        reason = {
            "step": "boundary",
            "size": size,
            "interval": [low, high],
            "rank": middle,
            "ranks": len(ranking),
        }
        if _passed(ranking[middle - 1], known, reason):
            low = middle + 1
        else:
            high = middle - 1
    return high


def _fewest_groups(
    left: list[Group], names: tuple[str, ...], known: Mapping[Group, bool]
) -> Ranking:
    low, high = 1, len(names)
    best: Ranking = tuple((name,) for name in names)
    while low <= high:
        count = (low + high) // 2
        reason = {"step": "partition", "interval": [low, high], "at_most": count}
        found = next(_partitions(left, names, known, count, reason), None)
        if found is None:
            low = count + 1
        else:
            best, high = found, count - 1
    return best


def _partitions(
    left: list[Group],
    names: tuple[str, ...],
    known: Mapping[Group, bool],
    count: int,
    reason: dict[str, Any],
) -> Iterator[Ranking]:
    """All verified partitions into at most `count` groups, in the order of the search.

    To strike a group makes no new partition possible, so it does not matter that the search starts
    again without the struck group instead of going on.
    """
    usable = [group for group in left if known.get(group, True)]
    for found in _covers(usable, names, count):
        unknown = [group for group in found if group not in known]
        if unknown:
            reason = reason | {"partition": [group_name(group) for group in found]}
            raise Unverified(dict.fromkeys(unknown, reason))
        yield found


def _covers(groups: list[Group], names: tuple[str, ...], count: int) -> Iterator[Ranking]:
    """Partitions of the names into at most `count` groups, depth first in the groups' order."""
    masks = [mask(group, names) for group in groups]
    # A lower bound of the groups that a rest needs: prunes what cannot become a partition.
    least = fewest(len(names), masks)

    def extended(chosen: Ranking, rest: int, start: int) -> Iterator[Ranking]:
        if not rest:
            yield chosen
        elif least[rest] <= count - len(chosen):
            for i in range(start, len(groups)):
                if masks[i] & rest == masks[i]:
                    yield from extended((*chosen, groups[i]), rest ^ masks[i], i + 1)

    return extended((), (1 << len(names)) - 1, 0)


def _passed(group: Group, known: Mapping[Group, bool], reason: dict[str, Any]) -> bool:
    if group not in known:
        raise Unverified({group: reason})
    return known[group]


@lru_cache(maxsize=1)
def _rankings(similarity: Similarity, tolerance: float) -> dict[int, Ranking]:
    """Λ_L as groups. The matrix stays the same while a plan is replayed under assumptions."""
    ranked = ranked_groups(similarity.distance, similarity.names, tolerance)
    return {size: tuple(groups) for size, groups in ranked.items()}
