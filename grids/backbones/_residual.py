"""The residual block of BasicSR, of which networks are made, and its first weights."""

import torch.nn.functional as F
from torch import Tensor, nn

# So small are first weights against those that keep the variance: a block begins near the identity.
SHARE = 0.1


def begin_small(*convolutions: nn.Conv2d) -> None:
    """Draws first weights, a tenth of those of He et al. (ICCV 2015), in this order."""
    for convolution in convolutions:
        nn.init.kaiming_normal_(convolution.weight)
        convolution.weight.data.mul_(SHARE)
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions without normalisation, added to what comes in."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        begin_small(self.conv1, self.conv2)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.conv2(F.relu(self.conv1(x)))
        return x + residual
