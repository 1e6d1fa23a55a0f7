"""Sides that a network with strides can work with."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor


def on_multiple(
    network: Callable[[Tensor], Tensor], x: Tensor, multiple: int, mode: str = "reflect"
) -> Tensor:
    """`network` of `x`, continued at its right and lower edge to sides that `multiple` divides.

    What was added is cut off the result. `reflect` mirrors and leaves out the edge pixel itself, so
    a side must be longer than what it lacks; `constant` adds zeros to sides of any length.
    """
    height, width = x.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not below and not right:
        return network(x)
    return network(F.pad(x, (0, right, 0, below), mode=mode))[..., :height, :width]
