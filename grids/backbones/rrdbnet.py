"""RRDBNet (Wang et al., ESRGAN, 2018; Real-ESRGAN, 2021), with the parameter names of BasicSR's.

The network of RealESRNet, RealESRGAN and BSRGAN: residual blocks of densely connected convolutions,
then two stages that double the sides, whatever the scale. At scale 4 it enlarges by four. At scales
2 and 1 squares of 2² and 4² pixels become channels in front (pixel unshuffle), so that the trunk
works on as much fewer pixels. No image is added to the output.

A restorer keeps the size. At scale 1 the network does; at 2 and 4 either its input is reduced by
the scale beforehand or its output afterwards (`reduce_input`).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._padding import on_multiple
from grids.backbones._residual import begin_small
from grids.base.errors import InputError
from grids.pixels.resampling import bicubic_down

SLOPE = 0.2
# What dense blocks, and blocks of them, count beside their input.
SHARE = 0.2
# The two stages behind the trunk together.
ENLARGEMENT = 4


def build(
    *,
    features: int = 64,
    blocks: int = 23,
    growth: int = 32,
    scale: int = 1,
    reduce_input: bool = True,
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    The defaults have 16,723,907 parameters, 16,703,171 at scale 2 and 16,697,987 at scale 4.

    Args:
        features: channels of the trunk.
        blocks: residual blocks of three dense blocks each.
        growth: channels that a convolution adds to its dense block.
        scale: 1, 2 or 4: how much the network enlarges.
        reduce_input: at scales 2 and 4, the input is reduced (bicubic, antialiased), and with it
            what it shows; or else the output, at scale² times the cost.

    Raises:
        InputError: another scale.
    """
    if scale not in (1, 2, 4):
        raise InputError(f"backbones.rrdbnet.scale: must be 1, 2 or 4, got {scale}")
    return RRDBNet(features, blocks, growth, scale, reduce_input)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the results of all before it."""

    def __init__(self, features: int, growth: int):
        super().__init__()
        for number in range(1, 6):
            seen = features + (number - 1) * growth
            convolution = nn.Conv2d(seen, growth if number < 5 else features, 3, padding=1)
            begin_small(convolution)
            self.add_module(f"conv{number}", convolution)

    def forward(self, x: Tensor) -> Tensor:
        *inner, last = self.children()
        seen = x
        for convolution in inner:
            seen = torch.cat([seen, F.leaky_relu(convolution(seen), SLOPE)], 1)
        residual: Tensor = last(seen)
        return x + SHARE * residual


class ResidualBlock(nn.Module):
    """Residual in residual dense block."""

    def __init__(self, features: int, growth: int):
        super().__init__()
        self.rdb1 = DenseBlock(features, growth)
        self.rdb2 = DenseBlock(features, growth)
        self.rdb3 = DenseBlock(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.rdb3(self.rdb2(self.rdb1(x)))
        return x + SHARE * residual


class RRDBNet(nn.Module):
    """See `build`, whose arguments these are."""

    def __init__(self, features: int, blocks: int, growth: int, scale: int, reduce_input: bool):
        super().__init__()
        self.scale = scale
        self.reduce_input = reduce_input
        self.shuffle = ENLARGEMENT // scale
        self.multiple = ENLARGEMENT if reduce_input else self.shuffle
        self.conv_first = nn.Conv2d(3 * self.shuffle**2, features, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(features, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(features, features, 3, padding=1)
        self.conv_up1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv_up2 = nn.Conv2d(features, features, 3, padding=1)
        self.conv_hr = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

    def enlarged(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) → (batch, 3, scale·h, scale·w); `4 / scale` must divide the sides."""
        y = self.conv_first(F.pixel_unshuffle(x, self.shuffle))
        y = y + self.conv_body(self.body(y))
        for convolution in (self.conv_up1, self.conv_up2):
            y = F.leaky_relu(convolution(F.interpolate(y, scale_factor=2, mode="nearest")), SLOPE)
        output: Tensor = self.conv_last(F.leaky_relu(self.conv_hr(y), SLOPE))
        return output

    def forward(self, x: Tensor) -> Tensor:
        """Sides that `multiple` does not divide are mirrored."""
        return on_multiple(self._restored, x, self.multiple)

    def _restored(self, x: Tensor) -> Tensor:
        if self.scale == 1:
            return self.enlarged(x)
        if self.reduce_input:
            return self.enlarged(bicubic_down(x, self.scale))
        # Autocast's bfloat16 is not resampled on a CPU.
        return bicubic_down(self.enlarged(x).to(x.dtype), self.scale)
