"""The blocks of NAFNet (Chen et al., ECCV 2022), of which other networks are made too.

They have no activation function: halves of the channels are multiplied with each other, and
channels are weighed by their means over the image.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._norm import over_channels

EPSILON = 1e-6


class Norm(nn.Module):
    """Normalisation over the channels of each pixel."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return over_channels(x, self.weight, self.bias, EPSILON)


class Mean(nn.Module):
    """(batch, channels, height, width) → (batch, channels, 1, 1): the mean of each channel."""

    def forward(self, x: Tensor) -> Tensor:
        # Over the pixels of a view, so that the gradient is channels_last as well.
        return x.permute(0, 2, 3, 1).flatten(1, 2).mean(1)[:, :, None, None]


class Block(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        # At 0 a fresh block is the identity.
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.conv1 = nn.Conv2d(channels, 2 * channels, 1)
        self.conv2 = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.conv3 = nn.Conv2d(channels, channels, 1)
        # Simplified channel attention.
        self.sca = nn.Sequential(Mean(), nn.Conv2d(channels, channels, 1))
        self.conv4 = nn.Conv2d(channels, 2 * channels, 1)
        self.conv5 = nn.Conv2d(channels, channels, 1)
        self.norm1 = Norm(channels)
        self.norm2 = Norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = gated(self.conv2(self.conv1(self.norm1(x))))
        x = x + _scaled(self.conv3, self.beta, y * self.sca(y))
        return x + _scaled(self.conv5, self.gamma, gated(self.conv4(self.norm2(x))))


def gated(x: Tensor) -> Tensor:
    """One half of the channels times the other (SimpleGate)."""
    one, other = x.chunk(2, 1)
    return one * other


def _scaled(convolution: nn.Conv2d, scale: Tensor, x: Tensor) -> Tensor:
    """`scale`, (1, channels, 1, 1), times the convolution of `x`, multiplied into its weights.

    That saves two passes over the pixels, and under autocast pixels in float32.
    """
    weight, bias = convolution.weight, convolution.bias
    assert bias is not None  # for the types: all convolutions here have one
    return F.conv2d(x, weight * scale.view(-1, 1, 1, 1), bias * scale.flatten())


class Up(nn.Sequential):
    """Twice the side and half the channels."""

    def __init__(self, channels: int):
        super().__init__(nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        # On a GPU the shuffle leaves channels_last memory, in which the pixels of `Norm` lie.
        convolution, shuffle = self
        enlarged: Tensor = shuffle(convolution(x))
        return enlarged.contiguous(memory_format=torch.channels_last)
