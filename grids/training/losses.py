"""Losses that procedures of training share."""

import torch.nn.functional as F
from torch import Tensor, nn

HIGHEST_L1 = 1.0
"""The whole range of the images: no network that learns is as far away."""


def l1(model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the network's output for `source`."""
    return F.l1_loss(model(source).float(), target)


def filled_up(images: Tensor, multiple: int) -> Tensor:
    """Images mirrored at their right and lower edge up to sides that `multiple` divides."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % multiple, 0, -height % multiple), mode="reflect")
