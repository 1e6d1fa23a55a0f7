"""Batches of a restorer as a function of the step and the sample alone.

A restart continues with the very same ones. The crops of a step depend on the seed and the step,
not on the group: trainings of different groups see the same photographs, which takes that source of
noise out of the drop between them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from grids import degrade, randomness
from grids.arrays import to_tensor
from grids.training.batches import Batches, Pair, crop


def restoration(
    photographs: Sequence[np.ndarray],
    group: Mapping[str, dict],
    *,
    patch: int,
    weights: Mapping[str, float],
    seed: int,
    device: torch.device,
) -> Batches:
    """Batches of (degraded, clean), (samples, 3, patch, patch) each, for a restorer.

    Args:
        photographs: (height, width, 3) uint8 arrays, such as `grids.store.Store`.
        group: degradations with their training parameters.
        patch: side in pixels.
        weights: for each degradation a positive number; each sample draws one degradation, in
            proportion to these.
        seed: seed of crops and degradations.
        device: where the batch is made and returned.
    """
    names = sorted(group)
    shares = np.cumsum([weights[name] for name in names])
    shares /= shares[-1]

    def batch_of(step: int, samples: range) -> Pair:
        crops, chosen = [], []
        for sample in samples:
            generator = randomness.generator(randomness.key(seed, "crop", step, sample))
            crops.append(crop(photographs, patch, generator))
            chosen.append(names[np.searchsorted(shares, generator.random(), side="right")])
        clean = to_tensor(np.stack(crops)).to(device)
        degraded = torch.empty_like(clean)
        for name in sorted(set(chosen)):
            places = [i for i, other in enumerate(chosen) if other == name]
            keys = [randomness.key(seed, name, "training", step, samples[i]) for i in places]
            degraded[places] = degrade.degrade(name, clean[places], group[name], keys)
        return degraded, clean

    return batch_of
