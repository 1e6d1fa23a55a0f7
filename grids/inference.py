"""A network on a whole image: what is measured of it everywhere."""

import torch
from torch import Tensor, nn


def restore(network: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    """The network's output for a batch (B, 3, h, w), on the CPU."""
    with torch.inference_mode():
        return network(images.to(device)).cpu()
