"""Regression by likeness to examples (kernel ridge regression), with its spread.

Far from all examples it expects what they gain in the mean, where a linear one expects anything.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grids.selection.conformal import by_distance, squared_distances

Floats = NDArray[np.float64]
# The mean of all squared errors counts as much as so many examples at the same place.
PRIOR = 1.0


@dataclass(frozen=True)
class Regression:
    """Of M numbers by the same N examples.

    Attributes:
        centre, scale: (K,) of what is known.
        points: (N, K) examples, less the centre and over the scale.
        weights: (N, M) of their likeness.
        level: (M,) what is expected far from all of them.
        width: (M,) distance at which an example counts as much as exp(−½) of one at the same place.
        errors: (N, M) how far each example is from what the others would expect of it.
        reach: (M,) as `width`, of the spread: errors are of a size in smaller regions.
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
        """What is expected (T, M) of what is known (T, K), and the spread about it."""
        squared = squared_distances((known - self.centre) / self.scale, self.points)
        expected = [
            by_distance(squared, width) @ weights
            for width, weights in zip(self.width, self.weights.T, strict=True)
        ]
        spreads = [
            spread(by_distance(squared, reach), errors)
            for reach, errors in zip(self.reach, self.errors.T, strict=True)
        ]
        return np.stack(expected, axis=1) + self.level, np.stack(spreads, axis=1)


def spread(weights: Floats, errors: Floats) -> Floats:
    """(T,) root of the mean square of errors (N,) that count by weights (T, N)."""
    squared = np.square(errors)
    total = weights @ squared + PRIOR * squared.mean()
    root: Floats = np.sqrt(total / (weights.sum(axis=1) + PRIOR))
    return root
