"""What a restorer makes of a photograph under each degradation of its group: a crop of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grids.base import randomness
from grids.degrading import operators
from grids.models.restorers import restore
from grids.pixels.arrays import to_bytes, to_tensor

Pixels = NDArray[np.uint8]


def crops(
    network: nn.Module,
    group: Mapping[str, dict[str, Any]],
    photographs: Sequence[Pixels],
    seed: int,
    device: torch.device,
    pairs: Mapping[str, Sequence[tuple[Pixels, Pixels]]],
    side: int,
) -> dict[str, tuple[Pixels, Pixels, Pixels]]:
    """Of each degradation the middle of a photograph, another one for each, in three states.

    Args:
        network: the restorer, in evaluation mode, on `device`.
        group: degradations with their fixed parameters.
        photographs: (height, width, 3), at least 16 pixels a side.
        seed: seed of the degradations.
        device: where the network runs.
        pairs: of those degradations of the group that are pairs instead of operators, the degraded
            and the clean image of each.
        side: in pixels; a smaller photograph is taken whole.

    Returns:
        By degradation: degraded, restored and clean, (height, width, 3).
    """
    shown = {}
    for number, (name, parameters) in enumerate(group.items()):
        if name in pairs:
            before, clean = (_middle(image, side) for image in _in_turn(pairs[name], number))
            degraded = to_tensor(before)[None]
        else:
            clean = _middle(_in_turn(photographs, number), side)
            key = randomness.key(seed, name, "sample", number)
            degraded = operators.degrade(name, to_tensor(clean)[None], parameters, [key])
        restored = to_bytes(restore(network, degraded, device))[0]
        shown[name] = to_bytes(degraded)[0], restored, clean
    return shown


def _in_turn(images: Sequence[Any], number: int) -> Any:
    return images[number % len(images)]


def _middle(image: Pixels, side: int) -> Pixels:
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]
