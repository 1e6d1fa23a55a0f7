"""The encoder of a degradation that AirNet has and AMIRNet took over.

Three residual blocks, the latter two with half the side and twice the channels. Its normalisation
takes means over the batch in training, and fixed ones in evaluation.
"""

import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.1


class ResidualBlock(nn.Module):
    def __init__(self, channels: int, out: int, stride: int):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.backbone(x) + self.shortcut(x), SLOPE)


class ResidualEncoder(nn.Module):
    """Images → a code of 4 · features numbers each.

    Heads on top of it are other modules'.
    """

    def __init__(self, features: int):
        super().__init__()
        self.E_pre = ResidualBlock(3, features, 1)
        self.E = nn.Sequential(
            ResidualBlock(features, 2 * features, 2), ResidualBlock(2 * features, 4 * features, 2)
        )

    def encoded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 3, h, w) → the first block's features, (batch, features, h, w), and the code."""
        first = self.E_pre(x)
        code: Tensor = self.E(first).mean((-2, -1))
        return first, code


def head(channels: int, out: int) -> list[nn.Module]:
    """Layers between a code and `out` numbers."""
    return [nn.Linear(channels, channels), nn.LeakyReLU(SLOPE), nn.Linear(channels, out)]
