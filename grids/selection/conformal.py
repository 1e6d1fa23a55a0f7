"""Intervals from the errors that were made before, weighted by likeness.

Split conformal prediction (Vovk et al.; Lei et al., 2018) takes quantiles of the errors on views
that took no part in the fit, and holds for what is drawn like these. Here each of them counts by
how near it lies to the photograph (Guan, Localized conformal prediction, 2023), which itself counts
fully and with an unknown error: where little is near, no interval can be given.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# A level is raised as long as this share of the views has an interval, and for sources that have so
# many photographs or more.
TOLD, FEWEST = 0.8, 3


def likeness(points: Floats, places: Floats, reach: float) -> Floats:
    """(T, N) weights of `places` (N, K) as seen from `points` (T, K): 1 at the same place.

    They fall like a Gaussian whose standard deviation is `reach`.
    """
    return by_distance(squared_distances(points, places), reach)


def by_distance(squared: Floats, reach: float) -> Floats:
    """The weights of what lies at squared distances (T, N)."""
    weights: Floats = np.exp(-squared / (2 * reach**2))
    return weights


def squared_distances(points: Floats, places: Floats) -> Floats:
    """(T, N) squared distances of `points` (T, K) from `places` (N, K)."""
    lengths = np.square(points).sum(axis=1)[:, None] + np.square(places).sum(axis=1)
    squared: Floats = (lengths - 2 * points @ places.T).clip(min=0)
    return squared


def interval(errors: Floats, weights: Floats, coverage: float) -> tuple[Floats, Floats]:
    """Ends of the intervals that the errors lie in, half of what is left out on either side.

    Args:
        errors: (N, M) errors of M predictions on N views.
        weights: (T, N) what each of the views counts for each photograph, 0 … 1.
        coverage: share that lies within.

    Returns:
        (T, M) lower and upper ends, −∞ and ∞ where the weights are not enough.
    """
    share = (1 + coverage) / 2
    return reached(errors, weights, share), _upper(errors, weights, share)


def reached(errors: Floats, weights: Floats, share: float) -> Floats:
    """(T, M) what so large a share of the errors reach; arguments and −∞ as for `interval`."""
    return -_upper(-errors, weights, share)


def _upper(errors: Floats, weights: Floats, share: float) -> Floats:
    """(T, M) least errors below which lies a share of all weight.

    The photograph's own weight of 1 lies at ∞.
    """
    order = np.argsort(errors, axis=0)
    needed = share * (1 + weights.sum(axis=1))
    ends = np.full((len(weights), errors.shape[1]), np.inf)
    for model, places in enumerate(order.T):
        below = np.cumsum(weights[:, places], axis=1)
        enough = below >= needed[:, None]
        found = enough.any(axis=1)
        ends[found, model] = errors[places[enough[found].argmax(axis=1)], model]
    return ends


def enough(coverage: float) -> float:
    """Least sum of weights with which there is an interval."""
    return (1 + coverage) / (1 - coverage)


def reach(places: Floats, coverage: float, share: float) -> float:
    """The least reach at which `share` of the places see enough weight in the others.

    Args:
        places: (N, K).
        coverage: of the intervals.
        share: for how many of them an interval is to be given.
    """
    squared = squared_distances(places, places)
    np.fill_diagonal(squared, np.inf)
    wanted = enough(coverage)
    # Beyond a hundred times the farthest, all count the same.
    farthest = float(np.sqrt(squared[np.isfinite(squared)].max(initial=1.0)))
    # Nor is it 0 where all are at one place, for likeness divides by it.
    low, high = 1e-9, 100 * farthest
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        seen = by_distance(squared, middle).sum(axis=1)
        low, high = (low, middle) if (seen >= wanted).mean() >= share else (middle, high)
    return high


def level(
    errors: Floats,
    weights: Floats,
    sources: NDArray[np.int64],
    photographs: NDArray[np.int64],
    coverage: float,
) -> float:
    """Coverage to ask of all views together so that it holds for each source, as far as is known.

    What a model gains on sharp photographs is more than on soft ones that look alike otherwise: an
    interval for 90 % of all may hold for 80 % of those of a source. Each view is judged by those of
    other photographs. Those of one are alike, so what a source lacks counts from a standard error
    on, which is that of means over its photographs (clustered, Liang and Zeger, 1986), and where
    it has three.

    Args:
        errors: (N, M) as for `interval`.
        weights: (N, N) what each view counts for each other.
        sources, photographs: (N,) where each is from.
        coverage: share that is to lie within, of each source.

    Returns:
        The least of `coverage` and the levels above, in steps of 0.01, with which that is so. Where
        it is with none, the last with which 80 % of the views have an interval, or `coverage`.
    """
    judged_by = weights * (photographs[:, None] != photographs)
    chosen = coverage
    for each in coverage + np.arange(0, 1 - coverage, 0.01):
        low, high = interval(errors, judged_by, each)
        told, missed = np.isfinite(high - low), (errors < low) | (high < errors)
        if told.mean() < TOLD and each > coverage:
            break
        chosen = each
        if not any(
            _lacks(missed[own], told[own], photographs[own], 1 - coverage)
            for own in (sources == source for source in np.unique(sources))
        ):
            break
    return float(chosen)


def _lacks(
    missed: NDArray[np.bool_],
    told: NDArray[np.bool_],
    photographs: NDArray[np.int64],
    allowed: float,
) -> bool:
    """Whether more than what is allowed of a source's intervals (N, M) miss, beyond chance."""
    numbers, whose = np.unique(photographs, return_inverse=True)
    misses, given = (np.bincount(whose, each.sum(axis=1)) for each in (missed, told))
    if len(numbers) < FEWEST or not given.any():
        return False
    share = misses.sum() / given.sum()
    spread = np.square(misses - share * given).sum() * len(numbers) / (len(numbers) - 1)
    return bool(share - np.sqrt(spread) / given.sum() > allowed)
