"""Degradations by name: one operator serves PIES, training and verification."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grids.base import randomness
from grids.base.errors import InputError

Operator = Callable[[Tensor, list[dict[str, Any]], list[torch.Generator]], Tensor]

# Sides of the patches that an operator is tried on.
TRIAL = 64
# Operators that give the same twice, as this process has seen.
_repeatable: set[Operator] = set()


def drawn(name: str, values: dict[str, Any], key: int) -> dict[str, float | int]:
    """The numbers that the image of this key gets for each parameter of a degradation.

    Ranges are drawn from, uniformly and in alphabetical order of the parameters' names.
    """
    generator = randomness.generator(randomness.key(key, name, "parameters"))
    return {parameter: _number(values[parameter], generator) for parameter in sorted(values)}


def _number(value: float | list[Any], generator: np.random.Generator) -> float | int:
    if not isinstance(value, list):
        return value
    low, high = value
    if isinstance(low, int):
        return int(generator.integers(low, high, endpoint=True))
    return float(generator.uniform(low, high))


def degrade(name: str, images: Tensor, values: dict[str, Any], keys: list[int]) -> Tensor:
    """Degrades a batch of images, each by its own draw.

    Args:
        name: module of `grids/degradations/`.
        images: (B, 3, h, w) in [0, 1], on any device.
        values: each parameter's number, or `[low, high]` to draw it from.
        keys: names the randomness of each image; what an image gets depends on its key alone, not
            on the rest of the batch.

    Returns:
        The degraded images, clipped and rounded to 8 bits (multiples of 1/255).

    Raises:
        InputError: the module has no function `degrade`, or what it returns is of another shape,
            not a number throughout, or something else each time.
    """
    operator = getattr(importlib.import_module(f"grids.degradations.{name}"), "degrade", None)
    if operator is None:
        raise InputError(f"grids/degradations/{name}.py: no function degrade")
    draws = [drawn(name, values, key) for key in keys]
    with torch.inference_mode():
        # Devices give different numbers; what must be equal everywhere is drawn on the CPU.
        degraded: Tensor = operator(images, draws, _generators(name, keys, images.device))
        if degraded.shape != images.shape:
            raise InputError(
                f"grids/degradations/{name}.py: degrade returned {tuple(degraded.shape)} for "
                f"images of {tuple(images.shape)}"
            )
        if operator not in _repeatable:
            _check_repeatable(operator, name, images, draws, keys)
        if degraded.dtype == torch.uint8:
            return degraded.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        degraded = degraded.clamp(0, 1).mul_(255).round_().div_(255)
        if degraded.sum().isnan():
            raise InputError(f"grids/degradations/{name}.py: degrade returned NaN")
        return degraded


def _generators(name: str, keys: list[int], device: torch.device) -> list[torch.Generator]:
    return [
        torch.Generator(device).manual_seed(randomness.key(key, name, "pixels")) for key in keys
    ]


def _check_repeatable(
    operator: Operator, name: str, images: Tensor, draws: list[dict[str, Any]], keys: list[int]
) -> None:
    """What is random must come from the generators: all others go on from call to call.

    Raises:
        InputError: of two equal calls the second gives something else.
    """
    patches = images[:2, :, :TRIAL, :TRIAL].cpu()
    first, second = (
        operator(patches.clone(), draws[:2], _generators(name, keys[:2], patches.device))
        for _ in range(2)
    )
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        raise InputError(
            f"grids/degradations/{name}.py: degrade gives other pixels when it is called again; "
            "draw what is random from `generators`, not from those of torch, numpy or Python"
        )
    _repeatable.add(operator)
