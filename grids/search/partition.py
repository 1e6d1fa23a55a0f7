"""Exact partitions: the fewest groups that hold each degradation once.

Subsets of n degradations are numbers below 2^n: bit i says whether element i is in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array

from grids.search.contract import Group

# Beyond this, the 3^n pairs of a subset and a part of it no longer fit in memory with ease.
SUBSETS_LIMIT = 14

# Costs are sums in floating point.
SLACK = 1e-9

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def minimum_partition(
    names: Sequence[str], cost: Mapping[Group, float], budget: float = np.inf
) -> tuple[Group, ...]:
    """The fewest groups that hold each name once; among those the ones of least total cost.

    Args:
        names: the n elements.
        cost: the groups to choose from, each with its cost (finite), e.g. its drop in dB.
        budget: most that the chosen groups may cost together.

    Returns:
        The groups, sorted.

    Raises:
        ValueError: no choice of groups within the budget holds each name once.
    """
    if len(names) <= SUBSETS_LIMIT:
        return by_subsets(names, cost, budget)
    return by_program(names, cost, budget)


def by_subsets(
    names: Sequence[str], cost: Mapping[Group, float], budget: float = np.inf
) -> tuple[Group, ...]:
    """`minimum_partition` by dynamic programming over the 3^n pairs of subsets."""
    order = sorted(names)
    weights = np.full(1 << len(order), np.inf)
    for group, value in cost.items():
        weights[mask(group, order)] = value
    table = cheapest(weights, len(order))
    totals = table[:, -1]
    counts = np.flatnonzero(np.isfinite(totals) & (totals <= budget + SLACK))
    if not len(counts):
        raise ValueError("no choice of groups holds each name once")
    return tuple(sorted(unmask(part, order) for part in parts(table, weights, int(counts[0]))))


def by_program(
    names: Sequence[str],
    cost: Mapping[Group, float],
    budget: float = np.inf,
    effort: int | None = None,
) -> tuple[Group, ...]:
    """`minimum_partition` as a mixed-integer program, for any n (HiGHS).

    Args:
        names, cost, budget: as `minimum_partition` takes them.
        effort: nodes of the search tree to visit at most; then the best partition found so far is
            the answer, or the error that there is none. None: the answer is exact.
    """
    groups = sorted(cost)
    values = np.array([cost[group] for group in groups])
    # All choices differ by less than 1 in their scaled costs, so these decide ties only.
    scale = 1 / (1 + 2 * len(names) * np.abs(values).max(initial=0))
    limit = [LinearConstraint(values[None], -np.inf, budget + SLACK)] if budget < np.inf else []
    return _program(sorted(names), groups, 1 + scale * values, limit, effort)


def least_total(
    names: Sequence[str], cost: Mapping[Group, float], effort: int
) -> tuple[Group, ...]:
    """The groups of least total cost that hold each name once, however many.

    Args:
        names: the n elements.
        cost: the groups to choose from, each with its cost (finite).
        effort: as `by_program` takes it.

    Raises:
        ValueError: no choice of groups holds each name once, or none was found.
    """
    groups = sorted(cost)
    return _program(sorted(names), groups, np.array([cost[g] for g in groups]), [], effort)


def _program(
    order: Sequence[str],
    groups: Sequence[Group],
    objective: Floats,
    constraints: list[LinearConstraint],
    effort: int | None,
) -> tuple[Group, ...]:
    if not groups:
        raise ValueError("no choice of groups holds each name once")
    rows = [order.index(name) for group in groups for name in group]
    columns = [j for j, group in enumerate(groups) for _ in group]
    holds = csc_array((np.ones(len(rows)), (rows, columns)), shape=(len(order), len(groups)))
    found = milp(
        objective,
        integrality=np.ones(len(groups)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(holds, 1, 1), *constraints],
        options={"mip_rel_gap": 0} if effort is None else {"node_limit": effort},
    )
    if found.x is None:
        raise ValueError("no choice of groups holds each name once")
    return tuple(group for group, x in zip(groups, found.x, strict=True) if x > 0.5)


def cheapest(weights: Floats, most: int) -> Floats:
    """Least total weight of exactly k disjoint subsets that make up each set, k = 0 … `most`.

    Args:
        weights: of each subset, shape (2^n,); infinite where it is not to be used.

    Returns:
        Shape (most + 1, 2^n), infinite where there is none.
    """
    ways = splits(len(weights).bit_length() - 1)
    table = np.full((most + 1, len(weights)), np.inf)
    table[0, 0] = 0
    for k in range(1, most + 1):
        values = weights[ways.part] + table[k - 1, ways.rest]
        table[k, ways.sets] = np.minimum.reduceat(values, ways.starts)
    return table


def parts(table: Floats, weights: Floats, count: int) -> list[int]:
    """The `count` subsets behind the last column of a table that `cheapest` made."""
    ways = splits(len(weights).bit_length() - 1)
    rest = len(weights) - 1
    chosen = []
    for k in range(count, 0, -1):
        at = ways.of(rest)
        values = weights[ways.part[at]] + table[k - 1, ways.rest[at]]
        chosen.append(int(ways.part[at][values.argmin()]))
        rest ^= chosen[-1]
    return chosen


def fewest(n: int, masks: Sequence[int]) -> Floats:
    """The least number of the given disjoint subsets that make up each set, shape (2^n,).

    Infinite where there is none. Much faster than `cheapest`, which tells costs too.
    """
    ways = splits(n)
    available = np.full(1 << n, np.inf)
    available[list(masks)] = 1
    least = np.full(1 << n, np.inf)
    least[0] = 0
    ends = [*ways.starts[1:], len(ways.part)]
    for first, last in pairwise(ways.layers):
        at = slice(ways.starts[first], ends[last - 1])
        values = available[ways.part[at]] + least[ways.rest[at]]
        starts = ways.starts[first:last] - ways.starts[first]
        least[ways.sets[first:last]] = np.minimum.reduceat(values, starts)
    return least


def mask(group: Group, names: Sequence[str]) -> int:
    """The number of a group, bit i for the i-th of `names`."""
    return sum(1 << names.index(name) for name in group)


def unmask(number: int, names: Sequence[str]) -> Group:
    """The group of a number."""
    return tuple(name for i, name in enumerate(names) if number >> i & 1)


@dataclass(frozen=True)
class Splits:
    """All ways to split each non-empty set into a part with its lowest element and the rest.

    Attributes:
        sets: the sets by their number of elements.
        starts: where the splits of each of `sets` begin.
        layers: where the sets of 1, 2, … n elements begin, and the end.
        part: one half of each split.
        rest: the other half.
    """

    sets: Integers
    starts: Integers
    layers: list[int]
    part: Integers
    rest: Integers

    def of(self, whole: int) -> slice:
        """Where the splits of one set are."""
        i = int(np.flatnonzero(self.sets == whole)[0])
        return slice(self.starts[i], [*self.starts, len(self.part)][i + 1])


@cache
def splits(n: int) -> Splits:
    """The splits of all sets of n elements."""
    part = rest = np.zeros(1, dtype=np.int64)
    for i in range(n):
        # Element i is in the part, in the rest, or in neither.
        part, rest = (
            np.concatenate([part, part | 1 << i, part]),
            np.concatenate([rest, rest, rest | 1 << i]),
        )
    whole = part | rest
    kept = (whole & -whole & part) > 0
    part, rest, whole = part[kept], rest[kept], whole[kept]
    order = np.lexsort((part, whole, np.bitwise_count(whole)))
    part, rest, whole = part[order], rest[order], whole[order]
    starts = np.flatnonzero(np.diff(whole, prepend=0))
    sets = whole[starts]
    sizes = np.bitwise_count(sets)
    layers = [*np.searchsorted(sizes, range(1, n + 1)).tolist(), len(sets)]
    return Splits(sets, starts, layers, part, rest)
