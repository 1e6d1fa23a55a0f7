"""Intervals from the errors that were made before, weighted by likeness.

Split conformal prediction (Vovk et al.; Lei et al., 2018) takes quantiles of the errors on views
that took no part in the fit, and holds for what is drawn like these. Here each of them counts by
how like it is to the photograph (Guan, Localized conformal prediction, 2023), which itself counts
fully and with an unknown error: where little is near, no interval can be given.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def interval(errors: Floats, weights: Floats, coverage: float) -> tuple[Floats, Floats]:
    """Ends of the intervals that the errors lie in, half of what is left out on either side.

    Args:
        errors: (N, M) errors of M predictions on N views.
        weights: (T, N) what each of the views counts for each photograph, 0 … 1.
        coverage: share that lies within.

    Returns:
        (T, M) lower and upper ends, −∞ and ∞ where the weights are not enough.
    """
    return -_upper(-errors, weights, coverage), _upper(errors, weights, coverage)


def _upper(errors: Floats, weights: Floats, coverage: float) -> Floats:
    """(T, M) least errors below which lies (1 + coverage) / 2 of all weight.

    The photograph's own weight of 1 lies at ∞.
    """
    order = np.argsort(errors, axis=0)
    needed = (1 + coverage) / 2 * (1 + weights.sum(axis=1))
    ends = np.full((len(weights), errors.shape[1]), np.inf)
    for model, places in enumerate(order.T):
        below = np.cumsum(weights[:, places], axis=1)
        enough = below >= needed[:, None]
        found = enough.any(axis=1)
        ends[found, model] = errors[places[enough[found].argmax(axis=1)], model]
    return ends
