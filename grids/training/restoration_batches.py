"""Batches of a restorer as a function of the step and the sample alone.

A restart continues with the very same ones. The crops of a step depend on the seed and the step,
not on the group: trainings of different groups see the same photographs, which takes that source of
noise out of the drop between them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grids.base import randomness
from grids.base.errors import InputError
from grids.degrading import operators
from grids.images.store import NO_PAIRS, Pairs
from grids.pixels.arrays import to_tensor
from grids.training.batches import Batch, Batches, Photographs, cut, place
from grids.training.pictures import (
    AS_TAKEN,
    PLAIN,
    Kind,
    after_damage,
    before_damage,
    drawn_kind,
)
from grids.training.procedure import DRAWN, Contents


def restoration(
    photographs: Photographs,
    group: Mapping[str, dict[str, Any]],
    *,
    patch: int,
    weights: Mapping[str, float],
    seed: int,
    device: torch.device,
    pairs: Mapping[str, Pairs] = NO_PAIRS,
    contents: Contents = DRAWN,
    pictures: Mapping[str, float] = AS_TAKEN,
) -> Batches:
    """Batches of (degraded, clean), (samples, 3, patch, patch) each, for a restorer.

    And of a second degraded crop, and of numbers, where `contents` asks for them.

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
        contents: what the procedure asks of samples.
        pictures: shares of the samples that are grey or saved (see
            `grids.training.pictures.drawn_kind`).

    Raises:
        InputError: weights differ, but samples have the degradations in turn.
    """
    names = sorted(group)
    if contents.in_turn and len({weights[name] for name in names}) > 1:
        raise InputError(
            "training.weights: this training.procedure has all degradations equally often in its "
            "batches; leave the weights of this group out"
        )
    shares = np.cumsum([weights[name] for name in names])
    shares /= shares[-1]

    def batch_of(step: int, samples: range) -> Batch:
        # Of each sample: its degradation, its clean crop, its degraded crop if it is from a pair.
        chosen, photographs_taken, crops, taken = [], [], [], {}
        for number, sample in enumerate(samples):
            generator = randomness.generator(randomness.key(seed, "crop", step, sample))
            where = place(photographs, patch, generator)
            name = names[np.searchsorted(shares, generator.random(), side="right")]
            if contents.in_turn:
                name = names[(step + sample) % len(names)]
            if 0 <= step < contents.alone:
                generator = randomness.generator(randomness.key(seed, "alone", step))
                name = names[np.searchsorted(shares, generator.random(), side="right")]
            clean = photographs
            if name in pairs:
                generator = randomness.generator(randomness.key(seed, name, "crop", step, sample))
                where, clean = place(pairs[name].clean, patch, generator), pairs[name].clean
                taken[number] = cut(pairs[name].degraded, where, patch)
            chosen.append(name)
            photographs_taken.append(where.photograph)
            crops.append(cut(clean, where, patch))
        kinds = [kind_of(step, sample) for sample in samples]
        target = to_tensor(np.stack([*map(before_damage, crops, kinds)])).to(device)
        source = torch.empty_like(target)
        for name in sorted(set(chosen) - pairs.keys()):
            places = [i for i, other in enumerate(chosen) if other == name]
            keys = [randomness.key(seed, name, "training", step, samples[i]) for i in places]
            source[places] = operators.degrade(name, target[places], group[name], keys)
        if taken:
            photographed = [before_damage(crop, kinds[number]) for number, crop in taken.items()]
            source[list(taken)] = to_tensor(np.stack(photographed)).to(device)
        source = after_damage(source, kinds)
        more = []
        if contents.second:
            keys = [
                randomness.key(seed, name, "training", step, sample)
                for name, sample in zip(chosen, samples, strict=True)
            ]
            second = map(second_crop, chosen, photographs_taken, kinds, keys)
            more.append(after_damage(torch.cat([*second]), kinds))
        if contents.alone:
            more.append(torch.tensor([names.index(name) for name in chosen]))
        return source, target, *more

    def kind_of(step: int, sample: int) -> Kind:
        if not any(pictures.values()):
            return PLAIN
        generator = randomness.generator(randomness.key(seed, "picture", step, sample))
        return drawn_kind(pictures, generator)

    def second_crop(name: str, photograph: int, kind: Kind, key: int) -> Tensor:
        """(1, 3, patch, patch) of the same photograph, degraded by the numbers of the first crop.

        Args:
            name: the degradation.
            photograph: number of the photograph, or of the pair.
            kind: that of the first crop.
            key: likewise.
        """
        own = randomness.key(key, "second")
        seen = pairs[name].degraded if name in pairs else photographs
        where = place([seen[photograph]], patch, randomness.generator(own))
        cropped = before_damage(cut([seen[photograph]], where, patch), kind)
        crop = to_tensor(cropped[None]).to(device)
        if name in pairs:
            return crop
        numbers = settled(operators.drawn(name, group[name], key))
        return operators.degrade(name, crop, numbers, [own])

    return batch_of


def settled(numbers: dict[str, Any]) -> dict[str, Any]:
    """Values of a degradation from which these very numbers are drawn.

    Args:
        numbers: as `grids.degrading.operators.drawn` returns them.
    """
    if "chain" not in numbers:
        return numbers
    steps = [
        {"degradation": name, "probability": 1.0, "values": settled(own)}
        for step in numbers["chain"]
        for name, own in step.items()
    ]
    return {"chain": steps, "order": "given"}
