"""Rankings of candidate groups by the similarity of their degradations (GRIDS, Section 4.2).

Λ_L lists all groups of L degradations, the most similar first: the search trains models for groups
near the top only.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.names import group_name

# Sums of equal distances differ in the last bits with the order of summation. Differences of this
# size mean nothing (the noise of a distance is above 0.01), so they must not decide a rank.
DECIMALS = 9

Floats = NDArray[np.float64]


def rank(distance: Floats, names: Sequence[str], tolerance: float = 0.1) -> dict[int, pd.DataFrame]:
    """Λ_L for L = 1 … n: the groups of L degradations from the most to the least similar.

    Groups are ordered by their mean distance in bins of width `tolerance`, then by variance, mean
    and name. The paper prefers the smaller variance where means agree "within a tolerance"; bins
    make that an order, which does not depend on the order of `names` either. How distances of a
    group are averaged is not stated there: here over unordered pairs of (S + Sᵀ)/2.

    Time and memory grow with 2^n: seconds and some hundred MiB for n = 20.

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
    symmetric = ((distance + distance.T) / 2)[np.ix_(order, order)]
    sizes = np.bitwise_count(np.arange(1 << len(names), dtype=np.uint32))
    pairs = np.maximum(sizes * (sizes.astype(np.int64) - 1) // 2, 1)
    mean = _pair_sums(symmetric) / pairs
    variance = np.maximum(_pair_sums(symmetric**2) / pairs - mean**2, 0)
    mean = mean.round(DECIMALS)
    table = pd.DataFrame(
        {
            "group": _group_names([names[i] for i in order]),
            "distance_mean": mean,
            "distance_variance": variance.round(DECIMALS),
            # 0.3 / 0.1 is just below 3: rounded, or means on an edge fall into the bin below.
            "bin": np.floor((mean / tolerance).round(DECIMALS)),
            "size": sizes,
        }
    ).iloc[1:]
    table = table.sort_values(["size", "bin", "distance_variance", "distance_mean", "group"])
    table.insert(0, "rank", table.groupby("size").cumcount() + 1)
    return {
        int(size): rows.drop(columns=["bin", "size"]).reset_index(drop=True)
        for size, rows in table.groupby("size")
    }


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


def _group_names(names: Sequence[str]) -> list[str]:
    """Names of all 2^n subsets of the sorted `names`, numbered as in `_pair_sums`; the first is ""."""
    subsets: list[tuple[str, ...]] = [()]
    for name in names:
        subsets += [(*subset, name) for subset in subsets]
    return ["", *map(group_name, subsets[1:])]
