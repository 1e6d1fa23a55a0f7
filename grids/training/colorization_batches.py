"""Batches of grey and coloured patches, for a descriptor that learns from photographs alone."""

import numpy as np
import torch

from grids.base import randomness
from grids.pixels import luma
from grids.pixels.arrays import to_tensor
from grids.training.batches import Batch, Batches, Photographs, crop


def colorization(
    photographs: Photographs, *, patch: int, seed: int, device: torch.device
) -> Batches:
    """Batches of (grey, coloured), (samples, 3, patch, patch) each.

    Args:
        photographs: (height, width, 3) uint8 arrays.
        patch: side in pixels.
        seed: seed of the crops.
        device: where the batch is made and returned.
    """
    shares = torch.tensor(luma.BT601, device=device)[:, None, None]

    def batch_of(step: int, samples: range) -> Batch:
        keys = (randomness.key(seed, "colorization", step, sample) for sample in samples)
        crops = [crop(photographs, patch, randomness.generator(key)) for key in keys]
        coloured = to_tensor(np.stack(crops)).to(device)
        return (coloured * shares).sum(dim=1, keepdim=True).expand_as(coloured), coloured

    return batch_of
