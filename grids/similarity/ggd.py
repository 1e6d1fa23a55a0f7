"""Generalized Gaussian of deep features, and the divergence between two of them.

The procedure of SRGA (Liu et al., TPAMI 2023): features of one set of patches are compressed by
principal components, all scores are pooled, and a zero-mean generalized Gaussian with shape α and
standard deviation σ is fitted by its moments. The components come from the N × N Gram matrix (see
`grids.similarity.features`), so that nothing of the features' dimension must be decomposed.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln

from grids.base.errors import InputError

SHAPES = (0.2, 10.0)
BINS = 101

Floats = NDArray[np.float64]


def scores(gram: Floats, components: int) -> Floats:
    """Principal-component scores (N, K) of the patches, K = min(components, N − 1).

    Equals U·S of the centred features. Rows may be any subset of the patches whose features made
    the Gram matrix: it is centred again.
    """
    centred = gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()
    values, vectors = np.linalg.eigh(centred)
    kept = min(components, len(gram) - 1)
    return (vectors * np.sqrt(values.clip(min=0)))[:, ::-1][:, :kept]


def clipped(samples: Floats, deviations: float) -> Floats:
    """The samples less than `deviations` standard deviations from their mean; 0 keeps all.

    SRGA drops those beyond 5. It shifts the fit: a heavy-tailed law with α = 0.69 comes out at
    0.76.
    """
    samples = samples.ravel()
    if deviations == 0:
        return samples
    return samples[np.abs(samples - samples.mean()) < deviations * samples.std()]


def log_moment_ratio(alpha: float) -> float:
    """Logarithm of E[x²]/E[|x|]² of a generalized Gaussian; falls strictly with its shape α."""
    return gammaln(1 / alpha) + gammaln(3 / alpha) - 2 * gammaln(2 / alpha)


def fit(samples: Floats) -> tuple[float, float]:
    """Shape α and standard deviation σ of pooled scores by moment matching.

    σ is the root mean square; the absolute deviation is taken about the mean, as SRGA does. α
    outside 0.2 … 10 becomes the nearer end.

    Raises:
        ValueError: the samples are constant.
    """
    square = float(np.mean(samples**2))
    deviation = float(np.mean(np.abs(samples - samples.mean())))
    if deviation == 0:
        raise ValueError("constant scores: all patches have the same features")
    target = np.log(square / deviation**2)
    low, high = SHAPES
    if target >= log_moment_ratio(low):
        alpha = low
    elif target <= log_moment_ratio(high):
        alpha = high
    else:
        alpha = brentq(lambda a: log_moment_ratio(a) - target, low, high, xtol=1e-12)
    return alpha, float(np.sqrt(square))


def kl(alpha1: float, sigma1: float, alpha2: float, sigma2: float) -> float:
    """Kullback–Leibler divergence of law 1 from law 2 in nats; arguments may be arrays."""
    log_beta1 = np.log(sigma1) + (gammaln(1 / alpha1) - gammaln(3 / alpha1)) / 2
    log_beta2 = np.log(sigma2) + (gammaln(1 / alpha2) - gammaln(3 / alpha2)) / 2
    normalisers = (
        np.log(alpha1)
        - log_beta1
        - gammaln(1 / alpha1)
        - np.log(alpha2)
        + log_beta2
        + gammaln(1 / alpha2)
    )
    cross = alpha2 * (log_beta1 - log_beta2) + gammaln((alpha2 + 1) / alpha1) - gammaln(1 / alpha1)
    return normalisers + np.exp(cross) - 1 / alpha1


def density(x: Floats, alpha: float, sigma: float) -> Floats:
    """Probability density of the zero-mean generalized Gaussian at `x`."""
    log_beta = np.log(sigma) + (gammaln(1 / alpha) - gammaln(3 / alpha)) / 2
    log_peak = np.log(alpha) - np.log(2) - log_beta - gammaln(1 / alpha)
    return np.exp(log_peak - (np.abs(x) / np.exp(log_beta)) ** alpha)


def subsets(
    patches: int, size: int, replicates: int, generator: np.random.Generator
) -> list[NDArray]:
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


def _pooled(gram: Floats, part: NDArray, components: int, clip: float) -> Floats:
    return clipped(scores(gram[np.ix_(part, part)], components), clip)


def _row(pooled: Floats, patches: int, components: int) -> dict:
    alpha, sigma = fit(pooled)
    return {"alpha": alpha, "sigma": sigma, "patches": patches, "components": components}
