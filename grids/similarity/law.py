"""The law of deep features, a generalized Gaussian, and how far one law is from another.

The procedure of SRGA (Liu et al., TPAMI 2023): features of one set of patches are compressed by
principal components, all scores are pooled, and a zero-mean generalized Gaussian with shape α and
standard deviation σ is fitted by its moments. The components come from the N × N Gram matrix (see
`grids.similarity.features`), so that nothing of the features' dimension must be decomposed. Numbers
in, numbers out: neither torch nor tables, since every restored photograph is judged by its law.
"""

import math

import numpy as np
from numpy.typing import NDArray

SHAPES = (0.2, 10.0)
# Halving the range of shapes so often leaves less than rounding does.
HALVINGS = 60
FLOOR = 1e-5

Floats = NDArray[np.float64]

# Of a few numbers; those who restore photographs need not install SciPy for that.
log_gamma = np.vectorize(math.lgamma, otypes=[np.float64])


def scores(gram: Floats, components: int) -> Floats:
    """Principal-component scores (N, K) of the patches, K = min(components, N − 1).

    Equals U·S of the centred features. Rows may be any subset of the patches whose features made
    the Gram matrix: it is centred again.
    """
    centred = gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()
    values, vectors = np.linalg.eigh(centred)
    kept = min(components, len(gram) - 1)
    scores: Floats = (vectors * np.sqrt(values.clip(min=0)))[:, ::-1][:, :kept]
    return scores


def clipped(samples: Floats, deviations: float) -> Floats:
    """The samples less than `deviations` standard deviations from their mean; 0 keeps all.

    SRGA drops those beyond 5. It shifts the fit: a heavy-tailed law with α = 0.69 comes out at
    0.76.
    """
    samples = samples.ravel()
    if deviations == 0:
        return samples
    kept: Floats = samples[np.abs(samples - samples.mean()) < deviations * samples.std()]
    return kept


def log_moment_ratio(alpha: float) -> float:
    """Logarithm of E[x²]/E[|x|]² of a generalized Gaussian; falls strictly with its shape α."""
    return math.lgamma(1 / alpha) + math.lgamma(3 / alpha) - 2 * math.lgamma(2 / alpha)


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
        for _ in range(HALVINGS):
            alpha = (low + high) / 2
            low, high = (alpha, high) if log_moment_ratio(alpha) > target else (low, alpha)
    return alpha, float(np.sqrt(square))


def kl(
    alpha1: Floats | float, sigma1: Floats | float, alpha2: Floats | float, sigma2: Floats | float
) -> Floats:
    """Kullback–Leibler divergence of law 1 from law 2 in nats, of numbers or elementwise."""
    log_beta1 = np.log(sigma1) + (log_gamma(1 / alpha1) - log_gamma(3 / alpha1)) / 2
    log_beta2 = np.log(sigma2) + (log_gamma(1 / alpha2) - log_gamma(3 / alpha2)) / 2
    normalisers = (
        np.log(alpha1)
        - log_beta1
        - log_gamma(1 / alpha1)
        - np.log(alpha2)
        + log_beta2
        + log_gamma(1 / alpha2)
    )
    cross = (
        alpha2 * (log_beta1 - log_beta2) + log_gamma((alpha2 + 1) / alpha1) - log_gamma(1 / alpha1)
    )
    divergence: Floats = normalisers + np.exp(cross) - 1 / alpha1
    return divergence


def density(x: Floats, alpha: float, sigma: float) -> Floats:
    """Probability density of the zero-mean generalized Gaussian at `x`."""
    log_beta = np.log(sigma) + (log_gamma(1 / alpha) - log_gamma(3 / alpha)) / 2
    log_peak = np.log(alpha) - np.log(2) - log_beta - log_gamma(1 / alpha)
    values: Floats = np.exp(log_peak - (np.abs(x) / np.exp(log_beta)) ** alpha)
    return values


def distance(kl: Floats) -> Floats:
    """S = log10(KL + 1e-5) + 5 (GRIDS, Section 4.1): 0 for equal laws, 2 … 5 for the paper's."""
    # The closed form of two equal laws may round to just below 0.
    return np.log10(np.maximum(kl, 0) + FLOOR) + 5
