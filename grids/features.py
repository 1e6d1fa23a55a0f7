"""Deep features of a set of patches, and their Gram matrix."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 1 << 16
BATCH = 16


def features(
    patches: Tensor,
    describe: Callable[[Tensor], Tensor],
    device: torch.device,
    progress: Callable[[int], None] = lambda done: None,
) -> Tensor:
    """Features (N, D) of patches (N, 3, h, w), on the CPU; `progress` gets the number done."""
    filled = None
    for start in range(0, len(patches), BATCH):
        part = describe(patches[start : start + BATCH].to(device)).cpu()
        if filled is None:
            filled = torch.empty(len(patches), part.shape[1])
        filled[start : start + len(part)] = part
        progress(start + len(part))
    return filled


def gram(features: Tensor) -> NDArray[np.float64]:
    """Gram matrix (N, N) of the features (N, D) after each column's mean is taken off.

    Products are taken in float32 and summed over chunks of columns in float64.
    """
    total = torch.zeros(len(features), len(features), dtype=torch.float64)
    for chunk in features.split(CHUNK, dim=1):
        centred = chunk - chunk.mean(dim=0)
        total += (centred @ centred.T).double()
    return total.numpy()
