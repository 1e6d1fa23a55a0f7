"""Sides that a network with strides can work with."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor


def on_multiple(
    network: Callable[[Tensor], Tensor], x: Tensor, multiple: int, mode: str = "reflect"
) -> Tensor:
    """`network` of `x`, continued at its right and lower edge to sides that `multiple` divides.

    What was added is cut off the result. `reflect` mirrors and leaves out the edge pixel itself;
    where a side is no longer than what it lacks, the edge is repeated instead. `constant` adds
    zeros.
    """
    height, width = x.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not below and not right:
        return network(x)
    if mode == "reflect" and (below >= height or right >= width):
        mode = "replicate"
    return network(F.pad(x, (0, right, 0, below), mode=mode))[..., :height, :width]
