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


def drawn(name: str, values: dict[str, Any], key: int) -> dict[str, Any]:
    """The numbers that the image of this key gets for each parameter of a degradation.

    Ranges are drawn from, uniformly and in alphabetical order of the parameters' names. Of a chain:
    `chain`, a mapping from name to numbers for each step that the image takes, in their order.
    """
    if "chain" in values:
        steps = ((values["chain"][number], own) for number, own in _route(values, key))
        return {"chain": [{s["degradation"]: drawn(**_of(s), key=own)} for s, own in steps]}
    generator = randomness.generator(randomness.key(key, name, "parameters"))
    return {parameter: _number(values[parameter], generator) for parameter in sorted(values)}


def _number(value: float | list[Any], generator: np.random.Generator) -> float | int:
    if not isinstance(value, list):
        return value
    low, high = value
    if isinstance(low, int):
        return int(generator.integers(low, high, endpoint=True))
    return float(generator.uniform(low, high))


def _of(step: dict[str, Any]) -> dict[str, Any]:
    """The degradation of a chain's step, as arguments."""
    return {"name": step["degradation"], "values": step["values"]}


def _route(values: dict[str, Any], key: int) -> list[tuple[int, int]]:
    """The steps of a chain that the image of this key takes, in its order: number and own key.

    A step draws by its name and how many of that name come before it. So another step, and what it
    draws, moves nothing of this one.
    """
    names = [step["degradation"] for step in values["chain"]]
    keys = [randomness.key(key, n, names[:number].count(n)) for number, n in enumerate(names)]
    draws = [randomness.generator(randomness.key(own, "step")).random(2) for own in keys]
    chances = [step["probability"] for step in values["chain"]]
    numbers = range(len(names))
    if values["order"] == "one":
        # The largest of such powers is each with a probability in proportion to its `chances`
        # (Efraimidis and Spirakis, 2006).
        taken = [max(numbers, key=lambda n: draws[n][0] ** (1 / chances[n]))]
    else:
        taken = [n for n in numbers if draws[n][0] < chances[n]]
    if values["order"] == "shuffled":
        taken.sort(key=lambda n: draws[n][1])
    return [(number, keys[number]) for number in taken]


def degrade(name: str, images: Tensor, values: dict[str, Any], keys: list[int]) -> Tensor:
    """Degrades a batch of images, each by its own draw.

    Args:
        name: module of `grids/degradations/`, or that of a chain.
        images: (B, 3, h, w) in [0, 1], on any device.
        values: each parameter's number, or `[low, high]` to draw it from; or a chain (see
            `grids.degrading.chains`), whose steps each clip and round as a single degradation.
        keys: names the randomness of each image; what an image gets depends on its key alone, not
            on the rest of the batch.

    Returns:
        The degraded images, clipped and rounded to 8 bits (multiples of 1/255).

    Raises:
        InputError: the module has no function `degrade`, or what it returns is of another shape,
            not a number throughout, or something else each time.
    """
    if "chain" in values:
        return _through(images, values, keys)
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


def _through(images: Tensor, values: dict[str, Any], keys: list[int]) -> Tensor:
    """A batch through a chain, of which each image takes its own steps in its own order."""
    routes = [_route(values, key) for key in keys]
    with torch.inference_mode():
        degraded = images.clamp(0, 1).mul_(255).round_().div_(255)
        for place in range(max(map(len, routes))):
            following = {i: route[place] for i, route in enumerate(routes) if place < len(route)}
            for number in sorted({number for number, _ in following.values()}):
                own = {i: key for i, (n, key) in following.items() if n == number}
                rows = list(own)
                degraded[rows] = degrade(
                    **_of(values["chain"][number]), images=degraded[rows], keys=list(own.values())
                )
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
