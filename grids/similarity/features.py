"""Deep features of a set of patches, and their Gram matrix."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grids.pixels.arrays import to_tensor

CHUNK = 1 << 16
BATCH = 16


def features(
    patches: NDArray[np.uint8],
    describe: Callable[[Tensor], Tensor],
    device: torch.device,
    progress: Callable[[int], None] = lambda done: None,
) -> Tensor:
    """Features (N, D) of RGB patches (N, h, w, 3), on `device`.

    Args:
        patches: the set.
        describe: the descriptor, from images (B, 3, h, w) in [0, 1] to features (B, D).
        device: where it runs.
        progress: gets the number of patches done.
    """
    filled = torch.empty(0, 0, device=device)
    for start in range(0, len(patches), BATCH):
        part = describe(to_tensor(patches[start : start + BATCH]).to(device))
        if start == 0:
            filled = torch.empty(len(patches), part.shape[1], device=device)
        filled[start : start + len(part)] = part
        progress(start + len(part))
    return filled


def gram(features: Tensor) -> NDArray[np.float64]:
    """Gram matrix (N, N) of the features (N, D) after each column's mean is taken off.

    Products are taken in float32 and summed over chunks of columns in float64.
    """
    total = torch.zeros(len(features), len(features), dtype=torch.float64, device=features.device)
    for chunk in features.split(CHUNK, dim=1):
        centred = chunk - chunk.mean(dim=0)
        total += (centred @ centred.T).double()
    return total.cpu().numpy()
