"""AMIRNet, told what it restores by a tree, with the parameter names of its authors' code.

NAFNet whose blocks on the way down are told what they restore. An encoder describes the degraded
image at four levels of a tree, with 1, 2, 4 and 8 branches: at each a mask, which branch it is, and
a prediction, both one number a branch. The softmax of the masks times the predictions is the code
of a level; factors and summands of normalisations, gates and residuals are linear in the codes. The
input is added to the output.

Means and codes are those of the image as it comes, padding included: the output of a tile is not
that part of the whole image's output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._naf import EPSILON, Block, Mean, Up, gated
from grids.backbones._padding import on_multiple
from grids.backbones._residual_encoder import ResidualEncoder, head
from grids.base.errors import InputError

# How it is trained.
PROCEDURE = "amirnet"

BRANCHES = (1, 2, 4, 8)

# Options whose lists may have another length than their defaults.
ANY_LENGTH = ["encoder"]


def build(
    *,
    width: int = 64,
    encoder: Sequence[int] = [1, 1, 1, 28],
    middle: int = 1,
    describing: int = 64,
    levels: int = 4,
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    The defaults are the authors' for training, 71,769,697 parameters; with `width: 32` they are
    19,913,537.

    Args:
        width: channels of the first level.
        encoder: blocks of each level on the way down, from the first; on the way up there is one a
            level.
        middle: blocks below the last level.
        describing: channels of the first block of the encoder that describes; codes are made of
            four times as many numbers.
        levels: of the tree, from its root, that the network is told of.

    Raises:
        InputError: more levels than the tree has.
    """
    if levels > len(BRANCHES):
        raise InputError(
            f"backbones.amirnet.levels: the tree has {len(BRANCHES)}, got {levels}; "
            "fewer are the first of them"
        )
    return AMIRNet(width, encoder, middle, describing, levels)


@dataclass(frozen=True)
class Tree:
    """What the encoder says of a batch, a tensor (batch, branches) for each level used.

    Attributes:
        masks: in (0, 1), what a training compares with the branches that images belong to.
        predictions: unbounded.
    """

    masks: list[Tensor]
    predictions: list[Tensor]

    def codes(self) -> list[Tensor]:
        """(batch, branches) for each level."""
        return [m.softmax(1) * p for m, p in zip(self.masks, self.predictions, strict=True)]


class Describer(ResidualEncoder):
    def __init__(self, features: int):
        super().__init__(features)
        seen = 4 * features
        self.pred_list = nn.ModuleList(nn.Sequential(*head(seen, count)) for count in BRANCHES)
        self.mask_list = nn.ModuleList(
            nn.Sequential(*head(seen, count), nn.Sigmoid()) for count in BRANCHES
        )

    def forward(self, x: Tensor, levels: int) -> Tree:
        _, code = self.encoded(x)
        return Tree(
            [mask(code) for mask in self.mask_list[:levels]],
            [predict(code) for predict in self.pred_list[:levels]],
        )


class OfCodes(nn.Module):
    """Codes → (batch, channels): the sum of what each level's makes."""

    def __init__(self, channels: int):
        super().__init__()
        self.linear_list = nn.ModuleList(nn.Linear(count, channels) for count in BRANCHES)

    def forward(self, codes: list[Tensor]) -> Tensor:
        # Codes are of the first levels.
        made = [linear(code) for linear, code in zip(self.linear_list, codes, strict=False)]
        return torch.stack(made).sum(0)

    def as_factors(self, codes: list[Tensor]) -> Tensor:
        """(batch, channels, 1, 1)."""
        made: Tensor = self(codes)
        return made[..., None, None]


class ToldNorm(nn.Module):
    """Normalisation over the channels of each pixel, with each image's own weights."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = OfCodes(channels)
        self.bias = OfCodes(channels)

    def forward(self, x: Tensor, codes: list[Tensor]) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        weight, bias = (made(codes).to(x.dtype)[:, None, None] for made in (self.weight, self.bias))
        # As in `over_channels`, and for its reasons.
        with torch.autocast(x.device.type, enabled=False):
            normed = F.layer_norm(pixels, pixels.shape[-1:], eps=EPSILON)
            told: Tensor = (normed * weight + bias).permute(0, 3, 1, 2)
            return told


class ToldGate(nn.Module):
    """One half of the channels times the other, times factors."""

    def __init__(self, channels: int):
        super().__init__()
        self.embedding = OfCodes(channels)

    def forward(self, x: Tensor, codes: list[Tensor]) -> Tensor:
        factors: Tensor = self.embedding.as_factors(codes)
        return gated(x) * factors.to(x.dtype)


class ToldBlock(nn.Module):
    """NAFNet's block with everything that is one number a channel made of the codes."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 2 * channels, 1)
        self.conv2 = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.sca = nn.Sequential(Mean(), nn.Conv2d(channels, channels, 1))
        self.sg_1 = ToldGate(channels)
        self.sg_2 = ToldGate(channels)
        self.conv4 = nn.Conv2d(channels, 2 * channels, 1)
        self.conv5 = nn.Conv2d(channels, channels, 1)
        self.norm1 = ToldNorm(channels)
        self.norm2 = ToldNorm(channels)
        self.beta = OfCodes(channels)
        self.gamma = OfCodes(channels)

    def forward(self, x: Tensor, codes: list[Tensor]) -> Tensor:
        y = self.sg_1(self.conv2(self.conv1(self.norm1(x, codes))), codes)
        residual: Tensor = self.conv3(y * self.sca(y))
        x = x + residual * self.beta.as_factors(codes).to(residual.dtype)
        residual = self.conv5(self.sg_2(self.conv4(self.norm2(x, codes)), codes))
        return x + residual * self.gamma.as_factors(codes).to(residual.dtype)


class Stage(nn.ModuleList):
    def __init__(self, channels: int, count: int):
        super().__init__(ToldBlock(channels) for _ in range(count))

    def forward(self, x: Tensor, codes: list[Tensor]) -> Tensor:
        for block in self:
            x = block(x, codes)
        return x


class AMIRNet(nn.Module):
    """See `build`, whose arguments these are."""

    def __init__(
        self, width: int, encoder: Sequence[int], middle: int, describing: int, levels: int
    ):
        super().__init__()
        self.levels = levels
        self.multiple = 2 ** len(encoder)
        # Channels of the levels and, last, below them.
        channels = [width << level for level in range(len(encoder) + 1)]
        self.resencoder = Describer(describing)
        self.intro = nn.Conv2d(3, width, 3, padding=1)
        self.ending = nn.Conv2d(width, 3, 3, padding=1)
        self.encoders = nn.ModuleList(
            Stage(c, count) for c, count in zip(channels[:-1], encoder, strict=True)
        )
        self.decoders = nn.ModuleList(nn.Sequential(Block(c)) for c in channels[-2::-1])
        self.middle_blks = nn.Sequential(*(Block(channels[-1]) for _ in range(middle)))
        self.ups = nn.ModuleList(map(Up, channels[:0:-1]))
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in channels[:-1])
        for unused in self.beyond(levels):
            unused.requires_grad_(False)

    def beyond(self, levels: int) -> list[nn.Module]:
        """Heads and weights that are not used where the network is told of the first levels."""
        lists = [self.resencoder.mask_list, self.resencoder.pred_list]
        lists += [made.linear_list for made in self.modules() if isinstance(made, OfCodes)]
        return [modules[levels:] for modules in lists]

    def forward(self, x: Tensor) -> Tensor:
        """Sides that `multiple` does not divide get zeros at the right and lower edge."""
        return on_multiple(lambda padded: self.explained(padded)[0], x, self.multiple, "constant")

    def explained(self, x: Tensor) -> tuple[Tensor, Tree]:
        """The restored images, and what was said of them; `multiple` must divide the sides."""
        tree = self.resencoder(x, self.levels)
        codes = tree.codes()
        y = self.intro(x)
        skips = []
        for blocks, down in zip(self.encoders, self.downs, strict=True):
            skips.append(blocks(y, codes))
            y = down(skips[-1])
        y = self.middle_blks(y)
        for blocks, up in zip(self.decoders, self.ups, strict=True):
            y = blocks(up(y) + skips.pop())
        return self.ending(y) + x, tree
