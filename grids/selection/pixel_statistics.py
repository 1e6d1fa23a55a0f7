"""What the pixels of a photograph's patches tell without any network.

Spectra of 8×8 blocks tell blurs and noise, how residuals of the three channels go together tells
coloured noise from grey, and how they grow with brightness tells the noise of photons from others.
That is seen best where there is no texture: in the least of small blocks. JPEG leaves steps between
its blocks, wherever these begin. Strokes painted over a picture are black or white up to their very
edge, where light that is too bright for a camera fades and what is drawn is smoothed.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.images.patches import BLOCK

# To luma and two differences of colour (JFIF).
LUMA_CHROMA = np.array(
    [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32
)
# Rows are the waves of the cosine transform (DCT-II) of eight values, each of length one.
COSINES = np.cos(np.pi / BLOCK * np.outer(np.arange(BLOCK), np.arange(BLOCK) + 0.5)) / 2
COSINES[0] /= np.sqrt(2)
COSINES = COSINES.astype(np.float32)
LEVELS = 6
# So many values, as large as all in the mean, are added to those of a level.
PRIOR = 64
FLOOR = 1e-4
# Of noise: side of the blocks that are as good as flat, levels of brightness that it is taken at,
# and so many blocks count half as much as all.
SMALL = 4
STEPS = 8
FEW = 20
# Half a step of 8 bits is about twice that.
LEAST = 1e-3
# Of strokes: what is as good as black or white, of 255, and by how much an edge steps at least.
PURE, STEP = 5, 40
# So many edges count as much as all that a picture has.
EDGES = 10

Floats = NDArray[np.float64]
# Their precision is no part of NumPy's annotations of arithmetic.
Singles = NDArray[np.floating[Any]]


def statistics(patches: NDArray[np.uint8]) -> Floats:
    """A vector of 434 numbers: logarithms, correlations and shares.

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
            np.log(FLOOR + np.concatenate([_shares(patches == 0), _shares(patches == 255)])),
            np.log(FLOOR + _shares(np.abs(residuals) < FLOOR)),
            _noise(values),
            _steps(values @ LUMA_CHROMA[0]),
            _strokes(patches),
        ]
    )


def darkest(patches: NDArray[np.uint8]) -> float:
    """The value of 0 … 1 below which 1 % of the pixels have their least channel.

    In nearly every photograph something is black; haze leaves nothing so (He, Sun and Tang, 2009).
    """
    return float(np.quantile(of_channels(np.minimum, patches), 0.01)) / 255


def _shares(which: NDArray[np.bool_]) -> Floats:
    """Of each channel (…, 3) how many are true; counted, which is faster than a mean."""
    of = np.moveaxis(which, -1, 0)
    return np.array([np.count_nonzero(plane) / plane.size for plane in of])


def _spectra(values: Singles) -> Floats:
    """Spread and shape of each frequency of luma and chroma, but for the mean: 3 · 63 · 2."""
    size = np.abs(waves(np.moveaxis(values @ LUMA_CHROMA.T, -1, 0)))
    size = size.reshape(3, -1, BLOCK**2)[..., 1:]
    square, deviation = np.square(size).mean(axis=1) + FLOOR**2, size.mean(axis=1) + FLOOR
    spread: Floats = np.log(square) / 2
    return np.concatenate([spread.ravel(), (2 * spread - 2 * np.log(deviation)).ravel()])


def waves(planes: Singles) -> Singles:
    """Cosine transforms of blocks, (…, h, w) → (…, h / 8, w / 8, 8, 8): the orthonormal DCT-II."""
    *of, height, width = planes.shape
    blocks = planes.reshape(*of, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    transformed: Singles = COSINES @ blocks.swapaxes(-3, -2) @ COSINES.T
    return transformed


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


def _noise(values: Singles) -> Floats:
    """How rough small blocks are, and how the smoother ones' roughness goes with brightness.

    Five quantiles of the logarithm of what the second differences in both directions leave, which
    edges hardly reach (Immerkær, 1996); of the lower quartile at each of eight levels of
    brightness, how far it is from that of all; and its slope over the logarithm of brightness: 0
    for noise that is alike everywhere, ½ for that of photons.
    """
    second = values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]
    second = second[:, :, :-2] - 2 * second[:, :, 1:-1] + second[:, :, 2:]
    rough = np.log(_of_blocks(np.abs(second) / 6) + LEAST)
    levels = np.minimum((_of_blocks(values[:, 1:-1, 1:-1]) * STEPS).astype(np.int64), STEPS - 1)
    quartile = np.quantile(rough, 0.25)
    counts = np.bincount(levels, minlength=STEPS)
    trust = counts / (counts + FEW)
    apart = np.array(
        [
            np.quantile(rough[levels == level], 0.25) - quartile if counts[level] else 0.0
            for level in range(STEPS)
        ]
    )
    apart *= trust
    bright = np.log((np.arange(STEPS) + 0.5) / STEPS)
    bright -= trust @ bright / trust.sum()
    # With one level alone there is no slope.
    slope = (trust * bright) @ apart / (trust @ bright**2 + 0.05)
    quantiles = np.quantile(rough, [0.05, 0.25, 0.5, 0.75, 0.95])
    told: Floats = np.concatenate([quantiles, apart, [slope]]).astype(np.float64)
    return told


def _of_blocks(values: Singles) -> Singles:
    """Mean of each small block of the patches' middle, over pixels and channels."""
    height, width = (side // SMALL * SMALL for side in values.shape[1:3])
    top, left = (values.shape[1] - height) // 2, (values.shape[2] - width) // 2
    inner = values[:, top : top + height, left : left + width]
    split = inner.reshape(len(values), height // SMALL, SMALL, width // SMALL, SMALL, -1)
    means: Singles = split.mean(axis=(2, 4, 5)).ravel()
    return means


def _steps(luma: Singles) -> Floats:
    """Of columns and of rows, how the third difference goes through the eight places of blocks.

    Its logarithm less the mean: the largest, the second, how far apart these are, the least, and
    where blocks that begin at the corner have their step. (For columns, then for rows.)
    """
    told = []
    for plane in (luma, luma.transpose(0, 2, 1)):
        third = np.abs(
            plane[:, :, :-3] - 3 * plane[:, :, 1:-2] + 3 * plane[:, :, 2:-1] - plane[:, :, 3:]
        )
        places = np.log([third[:, :, place::BLOCK].mean() + LEAST for place in range(BLOCK)])
        places -= places.mean()
        second, first = np.sort(places)[-2:]
        told += [first, second, first - second, places.min(), places[BLOCK - 2]]
    return np.array(told)


def _strokes(patches: NDArray[np.uint8]) -> Floats:
    """Of what is as good as black, then as white, seven numbers.

    The logarithm of its share; what share of it lies within more of it; the logarithm of the number
    of its edges for each of its pixels; then of these edges the shares that step; that step at
    once, to what lies two pixels away as well; that step into the opposite; and that go on straight
    along a row or a column, as those of frames do.
    """
    black, white = pure_of(patches)
    luma = (patches @ LUMA_CHROMA[0]).astype(np.float32)
    told = []
    for pure, opposite, away in ((black, white, luma), (white, black, 255 - luma)):
        within = pure[:, 1:-1, 1:-1]
        inside = within & pure[:, :-2, 1:-1] & pure[:, 2:, 1:-1] & pure[:, 1:-1, :-2]
        inside &= pure[:, 1:-1, 2:]
        edges = np.sum(
            [
                _edges(np.swapaxes(turned, 1, axis) for turned in (pure, opposite, away))
                for axis in (1, 2)
            ],
            axis=0,
        )
        count, *kinds = edges
        told += [
            np.log(FLOOR + pure.mean()),
            np.count_nonzero(inside) / (np.count_nonzero(within) + EDGES),
            np.log((count + 1) / (np.count_nonzero(pure) + EDGES)),
            *(kind / (count + EDGES) for kind in kinds),
        ]
    return np.array(told, np.float64)


def pure_of(pictures: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels of pictures (…, 3) are as good as black, and which as good as white."""
    brightest, least = of_channels(np.maximum, pictures), of_channels(np.minimum, pictures)
    return brightest <= PURE, least >= 255 - PURE


def of_channels(extreme: np.ufunc, pictures: NDArray[Any]) -> NDArray[Any]:
    """The largest or the least of each pixel's channels (…, 3).

    NumPy's own along so short an axis took 27 times as long for 96 patches of 32×32.
    """
    return reduce(extreme, np.moveaxis(pictures, -1, 0))


def _edges(planes: Iterable[NDArray[Any]]) -> Floats:
    """How many edges there are between rows, and how many of each of the kinds of `_strokes`.

    Args:
        planes: (N, h, w) what is pure, what is its opposite, and how far each pixel is from pure.
    """
    pure, opposite, away = planes
    total = np.zeros(5)
    for order in (slice(None), slice(None, None, -1)):
        inner, other, value = pure[:, order], opposite[:, order], away[:, order]
        edge = inner[:, :-2] & ~inner[:, 1:-1]
        next_to, behind = value[:, 1:-1], value[:, 2:]
        steps = edge & (next_to >= STEP)
        at_once = steps & (np.abs(behind - next_to) < next_to / 4)
        into = edge & other[:, 1:-1]
        straight = edge[..., 2:-2] & edge[..., :-4] & edge[..., 4:]
        total += [np.count_nonzero(kind) for kind in (edge, steps, at_once, into, straight)]
    return total
