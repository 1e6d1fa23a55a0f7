"""Batches of a restorer as a function of the step and the sample alone.

A restart continues with the very same ones. The crops of a step depend on the seed and the step,
not on the group: trainings of different groups see the same photographs, which takes that source of
noise out of the drop between them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from grids.base import randomness
from grids.degrading import operators
from grids.images.store import NO_PAIRS, Pairs
from grids.pixels.arrays import to_tensor
from grids.training.batches import Batch, Batches, Photographs, cut, place


def restoration(
    photographs: Photographs,
    group: Mapping[str, dict[str, Any]],
    *,
    patch: int,
    weights: Mapping[str, float],
    seed: int,
    device: torch.device,
    pairs: Mapping[str, Pairs] = NO_PAIRS,
) -> Batches:
    """Batches of (degraded, clean), (samples, 3, patch, patch) each, for a restorer.

    Args:
        photographs: (height, width, 3) uint8 arrays, such as `grids.images.store.Store`.
        group: degradations with their training parameters.
        patch: side in pixels.
        weights: for each degradation a positive number; each sample draws one degradation, in
            proportion to these.
        seed: seed of crops and degradations.
        device: where the batch is made and returned.
        pairs: those degradations of the group that are pairs instead of operators. A sample of one
            is a crop of a pair, at the same place and in the same orientation of both images.
    """
    names = sorted(group)
    shares = np.cumsum([weights[name] for name in names])
    shares /= shares[-1]

    def batch_of(step: int, samples: range) -> Batch:
        # Of each sample: its degradation, its clean crop, its degraded crop if it is from a pair.
        chosen, crops, taken = [], [], {}
        for number, sample in enumerate(samples):
            generator = randomness.generator(randomness.key(seed, "crop", step, sample))
            where = place(photographs, patch, generator)
            name = names[np.searchsorted(shares, generator.random(), side="right")]
            clean = photographs
            if name in pairs:
                generator = randomness.generator(randomness.key(seed, name, "crop", step, sample))
                where, clean = place(pairs[name].clean, patch, generator), pairs[name].clean
                taken[number] = cut(pairs[name].degraded, where, patch)
            chosen.append(name)
            crops.append(cut(clean, where, patch))
        target = to_tensor(np.stack(crops)).to(device)
        source = torch.empty_like(target)
        for name in sorted(set(chosen) - pairs.keys()):
            places = [i for i, other in enumerate(chosen) if other == name]
            keys = [randomness.key(seed, name, "training", step, samples[i]) for i in places]
            source[places] = operators.degrade(name, target[places], group[name], keys)
        if taken:
            source[list(taken)] = to_tensor(np.stack(list(taken.values()))).to(device)
        return source, target

    return batch_of
