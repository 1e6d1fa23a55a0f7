"""SRResNet without batch normalisation (MSRResNet), as a restorer and as a ×4 super-resolver.

Ledig et al., CVPR 2017, in the form of BasicSR's MSRResNet, whose parameter names are kept. As a
restorer (scale 1) both pixel-shuffle stages are gone and the input is added to the output, as in
MiOIR: 1,222,147 parameters with 64 features and 16 blocks. The strided variant keeps the pixel
shuffles and has two convolutions of stride 2 in front of the trunk, which then works on a sixteenth
of the pixels: 1,591,427. At scale 4 the network has 1,517,571 and is the one behind the degradation
features (see `grids.descriptors.srresnet`).
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._padding import on_multiple
from grids.backbones._residual import ResidualBlock

SLOPE = 0.1


def build(*, features: int = 64, blocks: int = 16, strided: bool = False) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    Args:
        features: channels.
        blocks: residual blocks of the trunk.
        strided: the trunk works at a quarter of the width and height.
    """
    return SRResNet(features, blocks, 1, global_residual=True, reduction=4 if strided else 1)


class SRResNet(nn.Module):
    """Residual network with ×2 pixel-shuffle stages behind the trunk.

    Args:
        features: channels.
        blocks: residual blocks of the trunk; there is no skip around the trunk.
        scale: 1 or 4.
        global_residual: add the input, bilinearly enlarged, to the output.
        reduction: 1, or 4 at scale 1: how much narrower and lower than the input the trunk is.
            Sides that it does not divide are mirrored up to it.
    """

    def __init__(
        self, features: int, blocks: int, scale: int, global_residual: bool, reduction: int = 1
    ):
        super().__init__()
        self.scale = scale
        self.global_residual = global_residual
        self.reduction = reduction
        self.conv_first = nn.Conv2d(3, features, 3, padding=1)
        self.downs = round(math.log2(reduction))
        for stage in range(1, self.downs + 1):
            downconv = nn.Conv2d(features, features, 3, stride=2, padding=1)
            self.add_module(f"downconv{stage}", downconv)
        self.body = nn.Sequential(*(ResidualBlock(features) for _ in range(blocks)))
        self.stages = round(math.log2(scale * reduction))
        for stage in range(1, self.stages + 1):
            upconv = nn.Conv2d(features, 4 * features, 3, padding=1)
            self.add_module(f"upconv{stage}", upconv)
        self.conv_hr = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

    def trunk(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) → (batch, features, h, w): the end of the residual blocks.

        Height and width are those of the input over `reduction`.
        """
        y = F.leaky_relu(self.conv_first(x), SLOPE)
        for stage in range(1, self.downs + 1):
            y = F.leaky_relu(getattr(self, f"downconv{stage}")(y), SLOPE)
        end: Tensor = self.body(y)
        return end

    def hr(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) → (batch, features, scale·h, scale·w): the HR convolution, linear."""
        y = self.trunk(x)
        for stage in range(1, self.stages + 1):
            y = F.leaky_relu(F.pixel_shuffle(getattr(self, f"upconv{stage}")(y), 2), SLOPE)
        convolved: Tensor = self.conv_hr(y)
        return convolved

    def forward(self, x: Tensor) -> Tensor:
        y = on_multiple(self._enlarged, x, self.reduction)
        if not self.global_residual:
            return y
        if self.scale == 1:
            return y + x
        return y + F.interpolate(x, scale_factor=self.scale, mode="bilinear")

    def _enlarged(self, x: Tensor) -> Tensor:
        enlarged: Tensor = self.conv_last(F.leaky_relu(self.hr(x), SLOPE))
        return enlarged
