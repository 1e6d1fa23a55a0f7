"""Measures the statistics of a photograph: by its pixels, and its law by a descriptor."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.images import patches
from grids.selection import pixel_statistics
from grids.selection.statistics import Statistics
from grids.similarity import law as laws

NO_LAW = (float("nan"), float("nan"))

# From patches (N, h, w, 3) uint8 to the Gram matrix (N, N) of their centred features.
Gram = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


class Describer:
    """Measures photographs.

    Args:
        count: patches of a photograph that its pixels are measured on.
        law: patches that its law is fitted to.
        components: principal components of the law that are kept.
        clip: scores beyond this many standard deviations are dropped; 0 keeps all.
        gram: of the features that laws are fitted to; None where no law is wanted.
    """

    def __init__(
        self, *, count: int, law: int, components: int, clip: float, gram: Gram | None = None
    ):
        self._count, self._law = count, law
        self._components, self._clip, self._gram = components, clip, gram

    def __call__(self, image: NDArray[np.uint8], law: bool = False) -> Statistics:
        """The statistics of a photograph (height, width, 3), without what frames it.

        Args:
            image: uint8 RGB.
            law: whether its law is wanted too, which takes most of the time.

        Raises:
            InputError: it is too small, or the same all over.
        """
        inside = patches.inside(image)
        pixels = _of_pixels(patches.grid(inside, self._count))
        fitted = self._fit(patches.grid(inside, self._law)) if law else NO_LAW
        return Statistics(*pixels, *fitted)

    def _fit(self, cut: NDArray[np.uint8]) -> tuple[float, float]:
        assert self._gram is not None, "laws are measured with a descriptor"
        pooled = laws.scores(self._gram(cut), self._components)
        return laws.fit(laws.clipped(pooled, self._clip))


def _of_pixels(cut: NDArray[np.uint8]) -> tuple[NDArray[np.float64], float]:
    """What patches tell without a descriptor."""
    if (cut == cut[:1]).all():
        raise InputError("the same all over: nothing to judge it by")
    return pixel_statistics.statistics(cut), pixel_statistics.darkest(cut)
