"""What the pixels of a photograph's patches tell without any network.

Spectra of 8×8 blocks tell blurs and noise, how residuals of the three channels go together tells
coloured noise from grey, and how they grow with brightness tells the noise of photons from others.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from grids.selection.patches import BLOCK

# To luma and two differences of colour (JFIF).
LUMA_CHROMA = np.array(
    [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32
)
LEVELS = 6
# So many values, as large as all in the mean, are added to those of a level.
PRIOR = 64
FLOOR = 1e-4

Floats = NDArray[np.float64]
# Their precision is no part of NumPy's annotations of arithmetic.
Singles = NDArray[np.floating[Any]]


def statistics(patches: NDArray[np.uint8]) -> Floats:
    """A vector of 396 numbers, all of them logarithms or correlations.

    Args:
        patches: (N, h, w, 3), sides that are multiples of 8.
    """
    values = patches.astype(np.float32) / 255
    residuals, levels = _residuals(values)
    return np.concatenate(
        [
            _spectra(values),
            _along_brightness(residuals, levels),
            _correlations(residuals.reshape(-1, 3)),
            np.log(FLOOR + np.mean([patches == 0, patches == 255], axis=(1, 2, 3)).ravel()),
            np.log(FLOOR + np.mean(np.abs(residuals) < FLOOR, axis=(0, 1, 2))),
        ]
    )


def _spectra(values: Singles) -> Floats:
    """Spread and shape of each frequency of luma and chroma, but for the mean: 3 · 63 · 2."""
    count, height, width, _ = values.shape
    rows, columns = height // BLOCK, width // BLOCK
    blocks = (values @ LUMA_CHROMA.T).reshape(count, rows, BLOCK, columns, BLOCK, 3)
    waves = dctn(blocks, axes=(2, 4), norm="ortho").transpose(5, 2, 4, 0, 1, 3)
    waves = np.abs(waves.reshape(3, BLOCK**2, -1)[:, 1:])
    square, deviation = np.square(waves).mean(axis=2) + FLOOR**2, waves.mean(axis=2) + FLOOR
    spread: Floats = np.log(square) / 2
    return np.concatenate([spread.ravel(), (2 * spread - 2 * np.log(deviation)).ravel()])


def _residuals(values: Singles) -> tuple[Singles, Singles]:
    """Of each inner pixel what it differs by from its four neighbours, and their mean."""
    around = values[:, :-2, 1:-1] + values[:, 2:, 1:-1] + values[:, 1:-1, :-2] + values[:, 1:-1, 2:]
    return values[:, 1:-1, 1:-1] - around / 4, around / 4


def _along_brightness(residuals: Singles, levels: Singles) -> Floats:
    """How much larger residuals are at each of six levels of brightness than at all."""
    size = np.abs(residuals).ravel() + FLOOR
    at = np.minimum((levels.ravel() * LEVELS).astype(np.int64), LEVELS - 1)
    total, count = np.bincount(at, size, LEVELS), np.bincount(at, minlength=LEVELS)
    larger: Floats = np.log((total / size.mean() + PRIOR) / (count + PRIOR))
    return larger


def _correlations(residuals: Singles) -> Floats:
    """Of each two channels, 0 where one has no residual."""
    centred = residuals - residuals.mean(axis=0)
    products = centred.T @ centred / len(centred) + np.diag(np.full(3, FLOOR**2))
    scale = np.sqrt(np.diag(products))
    together: Floats = (products / scale / scale[:, None])[np.triu_indices(3, 1)]
    return together.astype(np.float64)
