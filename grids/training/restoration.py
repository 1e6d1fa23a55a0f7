"""Batches of a restorer as a function of the step alone.

A restart continues with the very same ones. The crops of a step depend on the seed and the step,
not on the group: trainings of different groups see the same photographs, which takes that source of
noise out of the drop between them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from grids import degrade, randomness
from grids.arrays import to_tensor
from grids.training.crops import Batches, crop


def restoration(
    photographs: Sequence[np.ndarray],
    group: dict[str, dict],
    *,
    patch: int,
    batch: int,
    seed: int,
    device: torch.device,
) -> Batches:
    """Batches of (degraded, clean), (batch, 3, patch, patch) each, for a restorer.

    Each sample draws one degradation of the group uniformly.

    Args:
        photographs: (height, width, 3) uint8 arrays, such as `grids.store.Store`.
        group: degradations with their training parameters.
        patch: side in pixels.
        batch: samples a step.
        seed: seed of crops and degradations.
        device: where the batch is made and returned.
    """
    names = sorted(group)

    def batch_of(step: int) -> tuple[Tensor, Tensor]:
        crops, chosen = [], []
        for sample in range(batch):
            generator = randomness.generator(randomness.key(seed, "crop", step, sample))
            crops.append(crop(photographs, patch, generator))
            chosen.append(names[generator.integers(len(names))])
        clean = to_tensor(np.stack(crops)).to(device)
        degraded = torch.empty_like(clean)
        for name in sorted(set(chosen)):
            samples = [i for i, other in enumerate(chosen) if other == name]
            keys = [randomness.key(seed, name, "training", step, i) for i in samples]
            degraded[samples] = degrade.degrade(name, clean[samples], group[name], keys)
        return degraded, clean

    return batch_of
