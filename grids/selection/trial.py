"""A model tried on a few parts of a photograph: what it does there tells what it will gain.

What the pixels tell beforehand does not say whether a model knows this blur well. Its own answer
does: how much it changes, at which frequencies, whether it overshoots or meets the blocks of JPEG,
and whether it says the same of the photograph when rows and columns are swapped.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import maximum_filter, minimum_filter

from grids.base.errors import NotFiniteError
from grids.selection import patches
from grids.selection.patches import BLOCK
from grids.selection.pixel_statistics import LUMA_CHROMA

# So many parts in a row and in a column, of so many pixels a side: larger ones hold more of what a
# network sees around a pixel, more of them take longer.
PARTS, SIDE = 3, 80
# Of radial frequencies of blocks, in steps of half a cycle a block; before the first is the mean.
BANDS = (0.5, 2.1, 4.5, 7.0)
# Energies below that, of values up to 255, are those of rounding; differences likewise.
ROUNDING, STEP = 0.02, 0.05

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Singles = NDArray[np.floating[Any]]
# (1, 3, h, w) in [0, 1] to the same shape.
Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def parts(image: Pixels) -> Pixels:
    """The parts of a photograph that models are tried on, put together to one picture.

    A photograph that is no larger than these is taken whole.

    Args:
        image: (height, width, 3), sides that can be judged.
    """
    height, width = image.shape[:2]
    if height * width <= (PARTS * SIDE) ** 2:
        return image
    side = min(SIDE, height // BLOCK * BLOCK, width // BLOCK * BLOCK)
    cut = patches.grid(image, PARTS**2, side).reshape(PARTS, PARTS, side, side, 3)
    together: Pixels = cut.transpose(0, 2, 1, 3, 4).reshape(PARTS * side, PARTS * side, 3)
    return together


def tried(image: Pixels, model: Forward) -> Floats:
    """What a model does to parts of a photograph: a vector of 17 numbers, all of them logarithms.

    Args:
        image: (height, width, 3), sides that can be judged.
        model: the network.

    Raises:
        NotFiniteError: its output is not finite.
    """
    before = parts(image)
    after = _restored(before, model)
    turned = _restored(np.ascontiguousarray(before.transpose(1, 0, 2)), model).transpose(1, 0, 2)
    return told(before, after, turned)


def told(before: Pixels, after: Pixels, turned: Pixels) -> Floats:
    """The vector of `tried`.

    Args:
        before: (h, w, 3), what a model got.
        after: what it made of it.
        turned: what it made of it with rows and columns swapped, swapped back.
    """
    given, made = (_luma(picture) for picture in (before, after))
    change, of_input = made - given, _log(_bands(given))
    low, high = minimum_filter(given, 3), maximum_filter(given, 3)
    beyond = np.maximum(made - high, 0) ** 2 + np.maximum(low - made, 0) ** 2
    of_change = _log(_bands(change))
    return np.concatenate(
        [
            [_log(_energy(after, before)), _log(_energy(after, turned))],
            of_change[1:] - of_input[1:],
            _log(_bands(made))[1:] - of_input[1:],
            [_log(beyond.mean()), max(_blocks(change), _blocks(change.T)), of_change[0]],
            of_input[1:],
        ]
    )


def _restored(picture: Pixels, model: Forward) -> Pixels:
    planes = np.divide(picture, 255, dtype=np.float32).transpose(2, 0, 1)[None]
    made = model(np.ascontiguousarray(planes))[0].transpose(1, 2, 0)
    if not np.isfinite(made).all():
        raise NotFiniteError("the network's output is not finite")
    rounded: Pixels = np.rint(made.clip(0, 1) * 255).astype(np.uint8)
    return rounded


def _luma(picture: Pixels) -> Singles:
    luma: Singles = picture.astype(np.float32) @ LUMA_CHROMA[0]
    return luma


def _energy(one: Pixels, other: Pixels) -> float:
    return float(np.square(one.astype(np.float32) - other).mean())


def _log(energies: Any) -> Any:
    return np.log10(np.asarray(energies, np.float64) + ROUNDING)


def _bands(luma: Singles) -> Singles:
    """Mean energy of the blocks' means and of four bands of their frequencies."""
    rows, columns = (side // BLOCK for side in luma.shape)
    blocks = luma[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    waves = np.square(dctn(blocks, axes=(1, 3), norm="ortho")).mean(axis=(0, 2)) / BLOCK**2
    radius = np.hypot(*np.mgrid[:BLOCK, :BLOCK])
    return np.bincount(np.digitize(radius, BANDS).ravel(), waves.ravel()).astype(np.float64)


def _blocks(change: Singles) -> float:
    """How much steeper a change is between blocks, wherever these begin, than within them."""
    steps = np.abs(np.diff(change, axis=1)).mean(axis=0)
    places = np.array([steps[place::BLOCK].mean() for place in range(BLOCK)])
    return float(np.log10((places.max() + STEP) / (np.median(places) + STEP)))
