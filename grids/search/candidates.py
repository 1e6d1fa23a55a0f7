"""Rankings of candidate groups by the similarity of their degradations (GRIDS, Section 4.2).

Λ_L lists all groups of L degradations, the most similar first: the search trains models for groups
near the top only.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.search.group_names import group_name

# Sums of equal distances differ in the last bits with the order of summation. Differences of this
# size mean nothing (the noise of a distance is above 0.01), so they must not decide a rank.
DECIMALS = 9

# Up to how many degradations the workflow ranks all groups, and how many of each size beyond.
COMPLETE = 20
HEAD = 1000

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def tolerance(table: pd.DataFrame, wanted: float | str) -> float:
    """Difference of distances that means nothing to the rankings.

    Args:
        table: the similarity matrix (see `grids.similarity.matrix.matrix`).
        wanted: a number, or `uncertainty`: the median standard error of the distances between two
            degradations.
    """
    if wanted != "uncertainty":
        return float(wanted)
    return float(table.loc[table["source"] != table["target"], "distance_std"].median())


def rank(distance: Floats, names: Sequence[str], tolerance: float = 0.1) -> dict[int, pd.DataFrame]:
    """Λ_L for L = 1 … n: the groups of L degradations from the most to the least similar.

    Groups are ordered by their mean distance in bins of width `tolerance`, then by variance, mean
    and name. The paper prefers the smaller variance where means agree "within a tolerance"; bins
    make that an order, which does not depend on the order of `names` either. How distances of a
    group are averaged is not stated there: here over unordered pairs of (S + Sᵀ)/2.

    Time and memory grow with 2^n: seconds and some hundred MiB for n = 20. See `best` beyond.

    Args:
        distance: S, shape (n, n), finite, rows and columns in the order of `names`; need not be
            symmetric, the diagonal is not used.
        names: the n distinct degradations.
        tolerance: width of a bin in units of S, positive.

    Returns:
        For each size a table with C(n, L) rows: `rank` from 1, `group` (the name), and
        `distance_mean` and `distance_variance` (population) over the pairs; both are 0 for L = 1.

    Raises:
        ValueError: shapes do not match, a distance is not finite, a name comes twice, or the
            tolerance is not positive.
    """
    _, tables = _ranked(distance, names, tolerance)
    return {
        size: rows.drop(columns="subset").reset_index(drop=True) for size, rows in tables.items()
    }


def ranked_groups(
    distance: Floats, names: Sequence[str], tolerance: float = 0.1
) -> dict[int, list[tuple[str, ...]]]:
    """Λ_L for L = 1 … n as the groups' degradations in alphabetical order; otherwise as `rank`."""
    order, tables = _ranked(distance, names, tolerance)
    subsets = _subsets(order)
    return {size: [subsets[i] for i in rows["subset"]] for size, rows in tables.items()}


def rankings(
    distance: Floats, names: Sequence[str], tolerance: float
) -> tuple[dict[int, pd.DataFrame], dict[int, float]]:
    """Λ_L for L = 1 … n, complete up to COMPLETE degradations and beyond them the first HEAD rows.

    Arguments as for `rank`.

    Returns:
        The tables, and for each size the mean distance from which on groups may be missing above
        the table's last row; infinite: none is.
    """
    if len(names) <= COMPLETE:
        tables = rank(distance, names, tolerance)
        return tables, dict.fromkeys(tables, np.inf)
    sizes = range(1, len(names) + 1)
    heads = {size: best(distance, names, size, HEAD, tolerance) for size in sizes}
    return (
        {size: table for size, (table, _) in heads.items()},
        {size: limit for size, (_, limit) in heads.items()},
    )


def best(
    distance: Floats,
    names: Sequence[str],
    size: int,
    count: int,
    tolerance: float = 0.1,
    width: int = 50_000,
) -> tuple[pd.DataFrame, float]:
    """The first `count` rows of Λ_L without visiting all groups: for n where 2^n are too many.

    Groups grow element by element, and those that a lower bound on the mean distance rules out are
    dropped. If never more than `width` of them remain, the result is exact. Otherwise the ones with
    the best bounds are kept, and better groups may be missing: none with a mean distance below the
    returned limit, though.

    Args:
        distance, names, tolerance: as `rank` takes them.
        size: L, from 1 to n.
        count: rows wanted.
        width: groups kept at each step; time and memory grow with it and with n.

    Returns:
        The table, as `rank` gives it, and the mean distance below which no group is missing
        (infinite where the result is exact).
    """
    order, symmetric = _checked(distance, names, tolerance)
    n, pairs = len(order), max(size * (size - 1) // 2, 1)
    # First the greedy beam alone: enough groups to know how far the mean distance must reach.
    beam, _ = _grown(symmetric, size, np.inf, max(4 * count, 1000))
    means = np.sort(_statistics(symmetric, beam)[0])
    last = _bins(means[min(count, len(means)) - 1], tolerance)
    edge = float((np.floor(last) + 1) * tolerance)
    found, limit = _grown(symmetric, size, edge * pairs, width)
    found = np.unique(np.concatenate([beam, found]))
    mean, variance = _statistics(symmetric, found)
    table = pd.DataFrame(
        {
            "group": [group_name(order[i] for i in range(n) if s >> i & 1) for s in found.tolist()],
            "distance_mean": mean,
            "distance_variance": variance,
        }
    )
    table = _sorted(table, tolerance).iloc[:count].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table, limit / pairs


def _checked(distance: Floats, names: Sequence[str], tolerance: float) -> tuple[list[str], Floats]:
    """The names in alphabetical order and (S + Sᵀ)/2 in theirs."""
    distance = np.asarray(distance, dtype=np.float64)
    if distance.shape != (len(names), len(names)):
        raise ValueError(f"distance of shape {distance.shape} for {len(names)} names")
    if not np.isfinite(distance).all():
        raise ValueError("distance has values that are not finite")
    if len(set(names)) < len(names):
        raise ValueError(f"names are not distinct: {', '.join(names)}")
    if not tolerance > 0:
        raise ValueError(f"tolerance {tolerance} is not positive")
    order = sorted(range(len(names)), key=names.__getitem__)
    return [names[i] for i in order], ((distance + distance.T) / 2)[np.ix_(order, order)]


def _ranked(
    distance: Floats, names: Sequence[str], tolerance: float
) -> tuple[list[str], dict[int, pd.DataFrame]]:
    order, symmetric = _checked(distance, names, tolerance)
    sizes = np.bitwise_count(np.arange(1 << len(order), dtype=np.uint32))
    pairs = np.maximum(sizes * (sizes.astype(np.int64) - 1) // 2, 1)
    mean = _pair_sums(symmetric) / pairs
    variance = np.maximum(_pair_sums(symmetric**2) / pairs - mean**2, 0)
    table = pd.DataFrame(
        {
            "group": ["", *map(group_name, _subsets(order)[1:])],
            "distance_mean": mean.round(DECIMALS),
            "distance_variance": variance.round(DECIMALS),
            "subset": np.arange(1 << len(order)),
        }
    )
    tables = {}
    for size in range(1, len(order) + 1):
        tables[size] = _sorted(table[sizes == size], tolerance)
        tables[size].insert(0, "rank", np.arange(1, len(tables[size]) + 1))
    return order, tables


def _sorted(table: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    bins = np.floor(_bins(table["distance_mean"], tolerance))
    keys = ["bin", "distance_variance", "distance_mean", "group"]
    return table.assign(bin=bins).sort_values(keys).drop(columns="bin")


def _bins(mean: Floats, tolerance: float) -> Floats:
    # 0.3 / 0.1 is just below 3: rounded, or means on an edge fall into the bin below.
    return np.round(mean / tolerance, DECIMALS)


def _pair_sums(values: Floats) -> Floats:
    """Sum of `values` (n, n, symmetric) over the pairs in each subset, shape (2^n,).

    Bit i of a subset's number says whether it has element i. The subsets with highest element i
    are those below 2^i with i added, so each block doubles what is known.
    """
    n = len(values)
    sums = np.zeros(1 << n)
    for i in range(n):
        with_i = np.zeros(1 << i)
        for j in range(i):
            with_i[1 << j : 2 << j] = with_i[: 1 << j] + values[i, j]
        sums[1 << i : 2 << i] = sums[: 1 << i] + with_i
    return sums


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """All 2^n subsets of the sorted `names`, numbered as in `_pair_sums`."""
    subsets: list[tuple[str, ...]] = [()]
    for name in names:
        subsets += [(*subset, name) for subset in subsets]
    return subsets


def _statistics(values: Floats, subsets: Integers) -> tuple[Floats, Floats]:
    """Mean and variance of `values` over the pairs in each of the given subsets of one size."""
    n = len(values)
    members = np.nonzero(subsets[:, None] >> np.arange(n) & 1)[1].reshape(len(subsets), -1)
    pairs = list(combinations(range(members.shape[1]), 2))
    if not pairs:
        return np.zeros(len(subsets)), np.zeros(len(subsets))
    first, second = np.transpose(pairs)
    found = values[members[:, first], members[:, second]]
    return found.mean(axis=1).round(DECIMALS), found.var(axis=1).round(DECIMALS)


def _grown(values: Floats, size: int, most: float, width: int) -> tuple[Integers, float]:
    """Subsets of `size` elements whose `values` over pairs sum to less than `most`.

    Elements are added in the order of their number. A subset's bound is the sum of its pairs, the
    links of the cheapest further elements to it, and for each of those half of its own cheapest
    links to others.

    Returns:
        The subsets, and the least bound among those left out because there were more than `width`.
    """
    n = len(values)
    limit = np.inf
    subsets, sums, links = np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros((1, n))
    for chosen in range(size):
        left = size - chosen - 1
        parents, added = _extensions(subsets, n, left)
        sums = sums[parents] + links[parents, added]
        subsets = subsets[parents] | 1 << added
        links = links[parents] + values[added]
        bounds = sums + _completion(values, links, added, left)
        kept = np.flatnonzero(bounds < most)
        if len(kept) > width:
            kept = kept[np.argpartition(bounds[kept], width)]
            limit = min(limit, bounds[kept[width]])
            kept = kept[:width]
        subsets, sums, links = subsets[kept], sums[kept], links[kept]
    return subsets, limit


def _extensions(subsets: Integers, n: int, left: int) -> tuple[Integers, Integers]:
    """Each subset with each element behind its last that leaves `left` more: (subset, element)."""
    last = np.where(subsets > 0, np.log2(np.maximum(subsets, 1)).astype(np.int64), -1)
    allowed = np.arange(n) > last[:, None]
    allowed[:, n - left :] = False
    parents, added = np.nonzero(allowed)
    return parents, added


def _completion(values: Floats, links: Floats, added: Integers, left: int) -> Floats:
    """A lower bound on what `left` elements behind `added` add to a subset's sum."""
    n = len(values)
    if not left:
        return np.zeros(len(links))
    own = np.zeros((n, n))
    for last in range(n - left):
        # Cheapest links among the elements that may still come.
        later = values[last + 1 :, last + 1 :].copy()
        np.fill_diagonal(later, np.inf)
        own[last, last + 1 :] = np.sort(later, axis=1)[:, : left - 1].sum(axis=1) / 2
    costs = np.where(np.arange(n) > added[:, None], links + own[added], np.inf)
    least: Floats = np.partition(costs, left - 1, axis=1)[:, :left].sum(axis=1)
    return least
