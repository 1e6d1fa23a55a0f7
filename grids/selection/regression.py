"""Regression by likeness to examples (kernel ridge regression), with its spread.

Far from all examples it expects what they gain in the mean, where a linear one expects anything.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grids.selection.conformal import likeness

Floats = NDArray[np.float64]
# The mean of all squared errors counts as much as so many examples at the same place.
PRIOR = 1.0


@dataclass(frozen=True)
class Regression:
    """Attributes:
    centre, scale: (K,) of what is known.
    points: (N, K) examples, less the centre and over the scale.
    weights: (N,) of their likeness.
    level: what is expected far from all of them.
    width: distance at which an example counts as much as exp(−½) of one at the same place.
    errors: (N,) how far each example is from what the others would expect of it.
    reach: as `width`, of the spread: errors are of a size in smaller regions.
    """

    centre: Floats
    scale: Floats
    points: Floats
    weights: Floats
    level: Floats
    width: Floats
    errors: Floats
    reach: Floats

    def __call__(self, known: Floats) -> tuple[Floats, Floats]:
        """What is expected (T,) of what is known (T, K), and the spread about it."""
        points = (known - self.centre) / self.scale
        expected: Floats = likeness(points, self.points, float(self.width)) @ self.weights
        near = likeness(points, self.points, float(self.reach))
        return expected + self.level, spread(near, self.errors)


def spread(near: Floats, errors: Floats) -> Floats:
    """(T,) root of the mean square of errors (N,) that count by how near (T, N) they are."""
    squared = np.square(errors)
    total = near @ squared + PRIOR * squared.mean()
    root: Floats = np.sqrt(total / (near.sum(axis=1) + PRIOR))
    return root
