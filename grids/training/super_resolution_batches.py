"""Batches of the descriptor's task, ×4 super-resolution, as a function of step and sample alone."""

import numpy as np
import torch

from grids.base import randomness
from grids.pixels.arrays import to_tensor
from grids.pixels.resampling import bicubic_down
from grids.training.batches import Batch, Batches, Photographs, crop


def super_resolution(
    photographs: Photographs,
    scale: int,
    *,
    patch: int,
    seed: int,
    device: torch.device,
) -> Batches:
    """Batches of (low, high) resolution by antialiased bicubic reduction, for the descriptor.

    Args:
        photographs: (height, width, 3) uint8 arrays.
        scale: factor of the reduction.
        patch: side of the low-resolution patch in pixels.
        seed: seed of the crops.
        device: where the batch is made and returned.
    """

    def batch_of(step: int, samples: range) -> Batch:
        crops = [
            crop(
                photographs,
                patch * scale,
                randomness.generator(randomness.key(seed, "descriptor", step, sample)),
            )
            for sample in samples
        ]
        high = to_tensor(np.stack(crops)).to(device)
        low = bicubic_down(high, scale).clamp(0, 1).mul(255).round().div(255)
        return low, high

    return batch_of
