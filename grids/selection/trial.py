"""A model tried on a window of a photograph: what it does there tells what it will gain.

What the pixels tell beforehand does not say whether a model knows this blur well. Its own answer
does: how much it changes, at which frequencies, whether it overshoots or meets the blocks of JPEG,
whether it says the same of the photograph when rows and columns are swapped, and whether it takes
out all that is black or white, as strokes are, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import NotFiniteError
from grids.images import patches
from grids.images.patches import BLOCK
from grids.selection.pixel_statistics import LUMA_CHROMA, of_channels, pure_of, waves

# Side of the window in pixels (a larger one takes longer), and of how many, spread over the
# photograph, it is one. It is of one piece: between parts that are put together there are edges,
# and what has edges is not blurred to a network that looks at all of it.
SIDE, WINDOWS = 240, 9
# Of radial frequencies of blocks, in steps of half a cycle a block; before the first is the mean.
BANDS = (0.5, 2.1, 4.5, 7.0)
# Energies below that, of values up to 255, are those of rounding; differences likewise.
ROUNDING, STEP = 0.02, 0.05
# What changes by more than so many values of 255 is taken out; so many pixels count as much as all.
TAKEN_OUT, FEW = 40, 50

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Singles = NDArray[np.floating[Any]]
# (1, 3, h, w) in [0, 1] to the same shape.
Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Trial:
    """Attributes:
    numbers: (19,) what a model does to a window of a photograph: logarithms, and two shares.
    left: (h, w, 3) uint8, what it makes of it.
    """

    numbers: Floats
    left: Pixels


def window(image: Pixels) -> Pixels:
    """The part of a photograph, inside what frames it, that models are tried on.

    Of nine that are spread over it, it is the one with the most detail, where most is to be lost
    and gained. A photograph that is no larger is taken whole.

    Args:
        image: (height, width, 3), sides that can be judged.

    Returns:
        (h, w, 3): of 240×240 pixels, or of about as many where a side is shorter.
    """
    image = patches.inside(image)
    height, width = image.shape[:2]
    if height * width <= SIDE**2:
        return image
    short = min(SIDE, min(height, width) // BLOCK * BLOCK)
    long = min(SIDE**2 // short, max(height, width)) // BLOCK * BLOCK
    windows = patches.grid(image, WINDOWS, (short, long) if height < width else (long, short))
    return max(windows, key=_detail)


def tried(window: Pixels, model: Forward) -> Trial:
    """A model tried on a window of a photograph.

    Args:
        window: (h, w, 3), see `window`.
        model: the network.

    Raises:
        NotFiniteError: its output is not finite.
    """
    after = _restored(window, model)
    turned = _restored(np.ascontiguousarray(window.transpose(1, 0, 2)), model).transpose(1, 0, 2)
    return Trial(told(window, after, turned), after)


def told(before: Pixels, after: Pixels, turned: Pixels) -> Floats:
    """The numbers of a trial.

    Args:
        before: (h, w, 3), what a model got.
        after: what it made of it.
        turned: what it made of it with rows and columns swapped, swapped back.
    """
    given, made = (_luma(picture) for picture in (before, after))
    change, of_input = made - given, _log(_bands(given))
    low, high = (_of_neighbours(extreme, given) for extreme in (np.minimum, np.maximum))
    beyond = np.maximum(made - high, 0) ** 2 + np.maximum(low - made, 0) ** 2
    of_change = _log(_bands(change))
    return np.concatenate(
        [
            [_log(_energy(after, before)), _log(_energy(after, turned))],
            of_change[1:] - of_input[1:],
            _log(_bands(made))[1:] - of_input[1:],
            [_log(beyond.mean()), max(_blocks(change), _blocks(change.T)), of_change[0]],
            of_input[1:],
            _taken_out(before, after),
        ]
    )


def _detail(window: Pixels) -> float:
    """Mean square of the differences of neighbours."""
    luma = _luma(window)
    return float(sum(np.square(np.diff(luma, axis=axis)).mean() for axis in (0, 1)))


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


def _of_neighbours(extreme: np.ufunc, plane: Singles) -> Singles:
    """The least or the greatest value of each pixel and its eight neighbours."""
    padded = np.pad(plane, 1, "edge")
    rows = extreme.reduce([padded[:-2], padded[1:-1], padded[2:]])
    found: Singles = extreme.reduce([rows[:, :-2], rows[:, 1:-1], rows[:, 2:]])
    return found


def _bands(luma: Singles) -> Singles:
    """Mean energy of the blocks' means and of four bands of their frequencies."""
    rows, columns = (side // BLOCK for side in luma.shape)
    blocks = waves(luma[: rows * BLOCK, : columns * BLOCK])
    energies = np.square(blocks).mean(axis=(0, 1)) / BLOCK**2
    radius = np.hypot(*np.mgrid[:BLOCK, :BLOCK])
    return np.bincount(np.digitize(radius, BANDS).ravel(), energies.ravel()).astype(np.float64)


def _taken_out(before: Pixels, after: Pixels) -> list[float]:
    """What share of all that is taken out was black or white, and what share of that it is."""
    pure = np.logical_or(*pure_of(before))
    out = of_channels(np.maximum, np.abs(after.astype(np.int16) - before)) > TAKEN_OUT
    both = (pure & out).sum()
    return [float(both / (out.sum() + FEW)), float(both / (pure.sum() + FEW))]


def _blocks(change: Singles) -> float:
    """How much steeper a change is between blocks, wherever these begin, than within them."""
    steps = np.abs(np.diff(change, axis=1)).mean(axis=0)
    places = np.array([steps[place::BLOCK].mean() for place in range(BLOCK)])
    return float(np.log10((places.max() + STEP) / (np.median(places) + STEP)))
