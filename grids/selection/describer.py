"""Measures the statistics of a photograph with the descriptor."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.selection import patches
from grids.selection.statistics import Statistics
from grids.similarity import law as laws

# The trunk at these shares of its depth gives the vector; 0 is what enters its first block.
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
FLOOR = 1e-8
NO_LAW = (float("nan"), float("nan"))
# Columns of features that are looked at together.
CHUNK = 1 << 16

Floats = NDArray[np.float32]

# What runs the descriptor: from patches (N, 3, h, w) in [0, 1], and whether a law is wanted, to the
# outputs (N, C, h, w) of the trunk at `DEPTHS`, in order and none twice, and to the features (N, D)
# that the law is fitted to, or None.
Descriptor = Callable[[Floats, bool], tuple[Sequence[Floats], Floats | None]]


class Describer:
    """Measures photographs with a descriptor.

    Args:
        descriptor: runs it.
        count: patches of a photograph.
        components: principal components kept of them.
        clip: scores beyond this many standard deviations are dropped; 0 keeps all.
    """

    def __init__(self, descriptor: Descriptor, *, count: int, components: int, clip: float):
        self._descriptor = descriptor
        self._count, self._components, self._clip = count, components, clip

    def __call__(self, image: NDArray[np.uint8], law: bool = True) -> Statistics:
        """The statistics of a photograph (height, width, 3).

        Args:
            image: uint8 RGB.
            law: whether its law is wanted too, which takes most of the time.

        Raises:
            InputError: it is too small, or the same all over.
        """
        cut = patches.grid(image, self._count)
        if (cut == cut[:1]).all():
            raise InputError("the same all over: nothing to judge it by")
        planes = np.divide(np.moveaxis(cut, -1, 1), 255, dtype=np.float32, order="C")
        seen, features = self._descriptor(planes, law)
        vector = np.concatenate([_channels(outputs) for outputs in seen])
        return Statistics(vector, *(NO_LAW if features is None else self._fit(features)))

    def _fit(self, features: Floats) -> tuple[float, float]:
        pooled = laws.scores(_gram(features), self._components)
        return laws.fit(laws.clipped(pooled, self._clip))


def _channels(outputs: Floats) -> NDArray[np.float64]:
    """Log standard deviation and log moment ratio of each channel, about the mean of each patch.

    Args:
        outputs: (N, C, h, w) of a block, all patches of a photograph.
    """
    values = outputs.reshape(*outputs.shape[:2], -1)
    centred = values - values.mean(axis=2, keepdims=True)
    variance = np.square(centred).mean(axis=(0, 2)) + FLOOR
    deviation = np.abs(centred).mean(axis=(0, 2)) + FLOOR**0.5
    stacked = np.concatenate([np.log(variance) / 2, np.log(variance) - 2 * np.log(deviation)])
    return stacked.astype(np.float64)


def _gram(features: Floats) -> NDArray[np.float64]:
    """Gram matrix (N, N) of the features (N, D) after each column's mean is taken off.

    Products are taken in float32 and summed over chunks of columns in float64, as
    `grids.similarity.features.gram` does with torch for sets that want a GPU.
    """
    total = np.zeros((len(features), len(features)))
    for start in range(0, features.shape[1], CHUNK):
        chunk = features[:, start : start + CHUNK]
        centred = chunk - chunk.mean(axis=0)
        total += centred @ centred.T
    return total
