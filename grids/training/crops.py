"""Random crops of photographs."""

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

Batches = Callable[[int], tuple[Tensor, Tensor]]
"""(input, target) of a step."""


def crop(
    photographs: Sequence[np.ndarray], size: int, generator: np.random.Generator
) -> np.ndarray:
    """A random (size, size, 3) crop of a random photograph, in one of the eight orientations."""
    photograph = photographs[generator.integers(len(photographs))]
    y, x = (generator.integers(length - size + 1) for length in photograph.shape[:2])
    turned = np.rot90(photograph[y : y + size, x : x + size], generator.integers(4))
    return turned[:, ::-1] if generator.integers(2) else turned
