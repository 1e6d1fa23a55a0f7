"""How much of the restoring a photograph gets: a strength for all of it, a mask for its regions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.images import decoding
from grids.images.decoding import Ints
from grids.restoring.photographs import Photograph

STRONGEST = 1.5
ROWS_AT_ONCE = 256
# The orientation that turns back; the others turn back themselves.
BACK = {6: 8, 8: 6}

Weights = NDArray[np.uint8]
# A gain in dB, and the ends of the interval around it.
Expected = tuple[float, float, float]


@dataclass(frozen=True)
class Mask:
    """A picture that says what is restored: white is, black is spared, grey blends.

    Attributes:
        path: of its file.
        weights: (H, W), upright.
    """

    path: Path
    weights: Weights

    def of(self, photograph: Photograph) -> Weights:
        """The weights in the order in which the photograph's pixels are stored.

        Raises:
            InputError: the two differ in size.
        """
        stored = decoding.turned(
            self.weights, BACK.get(photograph.orientation, photograph.orientation)
        )
        if stored.shape != photograph.colour.shape[:2]:
            height, width = decoding.turned(photograph.colour, photograph.orientation).shape[:2]
            own = f"{self.weights.shape[1]}×{self.weights.shape[0]}"
            raise InputError(
                f"--mask {self.path}: {own} pixels, but the photograph has {width}×{height}"
            )
        return stored


def read_mask(path: Path) -> Mask:
    """A mask from a photograph's file: the mean of its colours; what is transparent is black.

    Raises:
        InputError: the file is broken, or no photograph.
    """
    content = decoding.content(path)
    with decoding.naming(path):
        pixels = decoding.shown(decoding.decode(content))
    third = (pixels.sum(axis=2, dtype=np.uint16) + 1) // 3
    return Mask(path, third.astype(np.uint8))


def check(strength: float) -> None:
    """Raises InputError unless the strength is within 0 … 1.5."""
    if not 0 <= strength <= STRONGEST:
        raise InputError(f"--strength: must be within 0 … {STRONGEST}, got {strength:g}")


def blended(before: Ints, after: Ints, strength: float, weights: Weights | None = None) -> Ints:
    """Between a photograph and what a model made of it, or beyond the latter.

    Args:
        before, after: (H, W, 3) of one type.
        strength: 0 gives `before`, 1 gives `after`, more exaggerates the difference.
        weights: (H, W), the strength's share of 255 at each pixel; None is 255 for all.
    """
    if strength == 1 and weights is None:
        return after
    mixed = np.empty_like(before)
    white = np.iinfo(before.dtype).max
    for top in range(0, len(before), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        start = before[rows].astype(np.float32)
        share: np.ndarray = np.float32(strength) * (
            np.ones(1, np.float32) if weights is None else weights[rows, :, None] / np.float32(255)
        )
        mixed[rows] = np.rint(start + share * (after[rows] - start)).clip(0, white)
    return mixed


def gain_at(strength: float, gain_db: float) -> float:
    """The gain in dB to expect at a strength, where it is `gain_db` at strength 1.

    As if the error that is left were uncorrelated with what was taken away, which is so of the
    estimate of least squares: what is left then grows with the square of the distance from
    strength 1. Order is kept, so that an interval's ends become those of an interval.
    """
    left = 10 ** (-gain_db / 10)
    return -10 * math.log10(left + (1 - strength) ** 2 * (1 - left))


def gains_at(strength: float, gains: Mapping[str, Expected]) -> dict[str, Expected]:
    """Gains and intervals by model at a strength, of those whose interval can be told."""
    return {
        name: expected_at(strength, each)
        for name, each in gains.items()
        if math.isfinite(sum(each))
    }


def expected_at(strength: float, gains: Expected) -> Expected:
    """A gain and its interval at a strength, from those at strength 1."""
    gain, low, high = (gain_at(strength, each) for each in gains)
    return gain, low, high
