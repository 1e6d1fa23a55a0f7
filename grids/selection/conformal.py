"""Intervals from the errors that were made before, weighted by likeness.

Split conformal prediction (Vovk et al.; Lei et al., 2018) takes quantiles of the errors on views
that took no part in the fit, and holds for what is drawn like these. Here each of them counts by
how near it lies to the photograph (Guan, Localized conformal prediction, 2023), which itself counts
fully and with an unknown error: where little is near, no interval can be given.

Photographs of one source are more like one another than like others, and what a model gains on
sharp ones is more than on soft ones that look alike otherwise. So the ends are those of each source
apart, and the farthest of them count.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def likeness(points: Floats, places: Floats, reach: float | Floats) -> Floats:
    """(T, N) weights of `places` (N, K) as seen from `points` (T, K): 1 at the same place.

    They fall like a Gaussian whose standard deviation is `reach`, or that of each place (N,).
    """
    return by_distance(squared_distances(points, places), reach)


def by_distance(squared: Floats, reach: float | Floats) -> Floats:
    """The weights of what lies at squared distances (T, N)."""
    weights: Floats = np.exp(-squared / (2 * reach**2))
    return weights


def squared_distances(points: Floats, places: Floats) -> Floats:
    """(T, N) squared distances of `points` (T, K) from `places` (N, K)."""
    lengths = np.square(points).sum(axis=1)[:, None] + np.square(places).sum(axis=1)
    squared: Floats = (lengths - 2 * points @ places.T).clip(min=0)
    return squared


def interval(
    errors: Floats, weights: Floats, sources: NDArray[np.int64], coverage: float
) -> tuple[Floats, Floats]:
    """Ends of the intervals that the errors lie in, half of what is left out on either side.

    Args:
        errors: (N, M) errors of M predictions on N views.
        weights: (T, N) what each of the views counts for each photograph, 0 … 1.
        sources: (N,) where each of them is from.
        coverage: share that lies within, of each source.

    Returns:
        (T, M) lower and upper ends, −∞ and ∞ where the weights of no source are enough.
    """
    share = (1 + coverage) / 2
    return reached(errors, weights, sources, share), _upper(errors, weights, sources, share)


def reached(errors: Floats, weights: Floats, sources: NDArray[np.int64], share: float) -> Floats:
    """(T, M) what so large a share of the errors reach; arguments and −∞ as for `interval`."""
    return -_upper(-errors, weights, sources, share)


def _upper(errors: Floats, weights: Floats, sources: NDArray[np.int64], share: float) -> Floats:
    """(T, M) the largest of the upper ends of all sources that have one."""
    ends = np.full((len(weights), errors.shape[1]), -np.inf)
    for source in np.unique(sources):
        own = sources == source
        found = _upper_of_one(errors[own], weights[:, own], share)
        ends = np.where(np.isfinite(found), np.maximum(ends, found), ends)
    return np.where(np.isfinite(ends), ends, np.inf)


def _upper_of_one(errors: Floats, weights: Floats, share: float) -> Floats:
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
    low, high = 0.0, 100 * farthest
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        seen = by_distance(squared, middle).sum(axis=1)
        low, high = (low, middle) if (seen >= wanted).mean() >= share else (middle, high)
    return high
