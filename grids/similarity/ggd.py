"""Fits of the law of a set of patches, and of random parts of it, as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.similarity.law import Floats, clipped, fit, scores

BINS = 101


def subsets(
    patches: int, size: int, replicates: int, generator: np.random.Generator
) -> list[NDArray[Any]]:
    """Random choices of `size` of the patches' numbers without repetition, sorted.

    The spread of an estimate over halves drawn so estimates the standard error of the estimate from
    all (delete-half jackknife), with no patch twice, which would add zero components.
    """
    return [np.sort(generator.permutation(patches)[:size]) for _ in range(replicates)]


def estimate(
    gram: Floats,
    generator: np.random.Generator,
    *,
    components: int,
    clip: float,
    replicates: int,
    counts: Sequence[int] = (),
) -> pd.DataFrame:
    """The law of a set, and of random parts of it.

    The law depends on the number of patches: two sets are compared at the same number, with the
    same components. So a set of fewer patches compares with the replicates at its own count.

    Args:
        gram: Gram matrix (N, N) of the set's features.
        generator: chooses the parts; equal for sets that are compared with one another.
        components: principal components kept of the full set (at most N − 1); of a part the same
            share, since the fit depends on the ratio of components to patches.
        clip: scores beyond this many standard deviations are dropped; 0 keeps all.
        replicates: parts of each size.
        counts: sizes of parts besides halves, at most N.

    Returns:
        One row a fit, the full set first, then halves, then parts of the other sizes: `alpha`,
        `sigma`, `patches`, `components`, and for the full set `histogram` (counts of the fitted
        scores) and `histogram_limit` (the bins span ± this); null in the others.

    Raises:
        InputError: a count is larger than the set.
    """
    total = len(gram)
    if max(counts, default=0) > total:
        raise InputError(f"ggd.counts: {max(counts)} patches, but a set holds {total}")
    pooled = _pooled(gram, np.arange(total), components, clip)
    limit = float(np.abs(pooled).max())
    histogram, _ = np.histogram(pooled, bins=BINS, range=(-limit, limit))
    first = _row(pooled, total, share(components, total, total))
    rows = [first | {"histogram": histogram.tolist(), "histogram_limit": limit}]
    for size in (total // 2, *counts):
        for part in subsets(total, size, replicates, generator):
            kept = share(components, size, total)
            rows.append(_row(_pooled(gram, part, kept, clip), size, kept))
    return pd.DataFrame(rows)


def share(components: int, patches: int, of: int) -> int:
    """Components kept of some patches where `components` are kept of a set of `of`."""
    return max(1, min(components, of - 1) * patches // of)


def halves(estimate: pd.DataFrame) -> pd.DataFrame:
    """Rows of an estimate that were fitted to halves of the set."""
    parts = estimate.iloc[1:]
    return parts[parts["patches"] == estimate["patches"].iloc[0] // 2]


def _pooled(gram: Floats, part: NDArray[Any], components: int, clip: float) -> Floats:
    return clipped(scores(gram[np.ix_(part, part)], components), clip)


def _row(pooled: Floats, patches: int, components: int) -> dict[str, Any]:
    alpha, sigma = fit(pooled)
    return {"alpha": alpha, "sigma": sigma, "patches": patches, "components": components}
