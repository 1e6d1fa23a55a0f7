"""Layer normalisation over the channels of an image's pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor


def over_channels(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Each pixel of (batch, channels, height, width) by itself to mean `bias`, deviation `weight`.

    Both are one number a channel. `epsilon` is added to the variance, which divides by the number
    of channels.
    """
    # In channels_last memory this view is contiguous and nothing is copied.
    pixels = x.permute(0, 2, 3, 1)
    weight, bias = weight.to(x.dtype), bias.to(x.dtype)
    # Autocast would write the pixels out in float32, and again what is made of them; the sums over
    # a pixel's channels are float32 in any case.
    with torch.autocast(x.device.type, enabled=False):
        return F.layer_norm(pixels, weight.shape, weight, bias, epsilon).permute(0, 3, 1, 2)
