"""Restormer (Zamir et al., CVPR 2022), with the parameter names of its authors' weights.

A U-Net of four levels of the blocks in `grids.backbones._transformer`. The input is added to the
output. The channel attention sees the whole image: the output of a tile is not that part of the
whole image's output.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from grids.backbones._padding import on_multiple
from grids.backbones._transformer import (
    MULTIPLE,
    Block,
    PatchEmbedding,
    Pointwise,
    check_levels,
    down,
    up,
)


def build(
    *,
    dim: int = 48,
    blocks: Sequence[int] = [4, 6, 6, 8],
    refinement: int = 4,
    heads: Sequence[int] = [1, 2, 4, 8],
    expansion: float = 2.66,
    norm_bias: bool = True,
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    Args:
        dim: channels of the first level, an even number; each further level has twice as many.
        blocks: transformer blocks of the four levels; the decoder has as many as the encoder.
        refinement: blocks behind the decoder.
        heads: attention heads of the four levels; each must divide its level's channels.
        expansion: channels inside the feed-forward part, as a multiple of those outside.
        norm_bias: layer normalisation subtracts the mean and adds a learned bias (26,126,644
            parameters), or only divides by the deviation (26,111,668).

    Raises:
        InputError: a list has another length than four, or heads do not divide the channels.
    """
    check_levels("restormer", dim, blocks, heads)
    return Restormer(dim, blocks, refinement, heads, expansion, norm_bias)


class Restormer(nn.Module):
    """See `build`, whose arguments these are."""

    def __init__(
        self,
        dim: int,
        blocks: Sequence[int],
        refinement: int,
        heads: Sequence[int],
        expansion: float,
        norm_bias: bool,
    ):
        super().__init__()

        def stage(channels: int, level: int, count: int) -> nn.Sequential:
            return nn.Sequential(
                *(Block(channels, heads[level], expansion, norm_bias) for _ in range(count))
            )

        self.patch_embed = PatchEmbedding(dim)
        self.encoder_level1 = stage(dim, 0, blocks[0])
        self.down1_2 = down(dim)
        self.encoder_level2 = stage(2 * dim, 1, blocks[1])
        self.down2_3 = down(2 * dim)
        self.encoder_level3 = stage(4 * dim, 2, blocks[2])
        self.down3_4 = down(4 * dim)
        self.latent = stage(8 * dim, 3, blocks[3])
        self.up4_3 = up(8 * dim)
        self.reduce_chan_level3 = Pointwise(8 * dim, 4 * dim)
        self.decoder_level3 = stage(4 * dim, 2, blocks[2])
        self.up3_2 = up(4 * dim)
        self.reduce_chan_level2 = Pointwise(4 * dim, 2 * dim)
        self.decoder_level2 = stage(2 * dim, 1, blocks[1])
        self.up2_1 = up(2 * dim)
        # Level 1 of the decoder is not reduced: it and the refinement keep 2 · dim channels.
        self.decoder_level1 = stage(2 * dim, 0, blocks[0])
        self.refinement = stage(2 * dim, 0, refinement)
        self.output = nn.Conv2d(2 * dim, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Sides that 8 does not divide are mirrored up to it, which needs 5 pixels at least."""
        return on_multiple(self._restored, x, MULTIPLE)

    def _restored(self, x: Tensor) -> Tensor:
        level1 = self.encoder_level1(self.patch_embed(x))
        level2 = self.encoder_level2(self.down1_2(level1))
        level3 = self.encoder_level3(self.down2_3(level2))
        y = self.up4_3(self.latent(self.down3_4(level3)))
        y = self.decoder_level3(self.reduce_chan_level3(torch.cat([y, level3], 1)))
        y = self.up3_2(y)
        y = self.decoder_level2(self.reduce_chan_level2(torch.cat([y, level2], 1)))
        y = self.decoder_level1(torch.cat([self.up2_1(y), level1], 1))
        residual: Tensor = self.output(self.refinement(y))
        return residual + x
