"""PromptIR (Potlapalli et al., NeurIPS 2023), with the parameter names of its authors' weights.

Restormer whose decoder is told what it restores: at three levels a mixture of learned images
(prompts), weighed by what the features are like on average, is joined to the features and goes
through a block of its own. The input is added to the output. Attention and means see the whole
image: the output of a tile is not that part of the whole image's output.

The authors' networks have weights that nothing uses, and so has this one, so that files fit. They
are not trained.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._padding import on_multiple
from grids.backbones._transformer import (
    LEVELS,
    MULTIPLE,
    Block,
    PatchEmbedding,
    Pointwise,
    down,
    up,
)
from grids.base.errors import InputError

# Heads of the blocks that see a prompt.
PROMPTED_HEADS = 4
# Channels between two of the layers that nothing uses.
UNUSED = 256


def build(
    *,
    dim: int = 48,
    blocks: Sequence[int] = [4, 6, 6, 8],
    refinement: int = 4,
    heads: Sequence[int] = [1, 2, 4, 8],
    expansion: float = 2.66,
    prompt_channels: Sequence[int] = [64, 128, 320],
    prompt_sides: Sequence[int] = [64, 32, 16],
    prompts: int = 5,
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    The defaults have 35,592,263 parameters, of which 215,296 are not used.

    Args:
        dim: channels of the first level, an even number; each further level has twice as many.
        blocks: transformer blocks of the four levels; the decoder has as many as the encoder.
        refinement: blocks behind the decoder.
        heads: attention heads of the four levels; each must divide its level's channels.
        expansion: channels inside the feed-forward part, as a multiple of those outside.
        prompt_channels: of the prompts of decoder levels 1, 2 and 3. Four must divide them, and
            `dim`.
        prompt_sides: of the same, in pixels.
        prompts: learned images of each level.

    Raises:
        InputError: a list has another length, or heads do not divide the channels.
    """
    for name, given, wanted in (
        ("blocks", blocks, LEVELS),
        ("heads", heads, LEVELS),
        ("prompt_channels", prompt_channels, LEVELS - 1),
        ("prompt_sides", prompt_sides, LEVELS - 1),
    ):
        if len(given) != wanted:
            raise InputError(f"backbones.promptir.{name}: needs {wanted} numbers, got {[*given]}")
    for level, count in enumerate(heads):
        if (dim << level) % count:
            raise InputError(
                f"backbones.promptir.heads: {count} heads do not divide the {dim << level} "
                f"channels of level {level + 1}"
            )
    for channels in (dim, *prompt_channels):
        if channels % PROMPTED_HEADS:
            raise InputError(
                f"backbones.promptir: dim and prompt_channels must be multiples of "
                f"{PROMPTED_HEADS}, got {dim} and {[*prompt_channels]}"
            )
    return PromptIR(
        dim, blocks, refinement, heads, expansion, prompt_channels, prompt_sides, prompts
    )


class Prompt(nn.Module):
    """Features (batch, seen, h, w) → a mixture of learned images, (batch, channels, h, w).

    Files have a leading dimension of 1 before the images, with which a network could not be brought
    into channels_last memory: it is there in state dicts alone.
    """

    def __init__(self, seen: int, channels: int, side: int, count: int):
        super().__init__()
        self.prompt_param = nn.Parameter(torch.rand(count, channels, side, side))
        self.linear_layer = nn.Linear(seen, count)
        self.conv3x3 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        # Their types are missing in torch.
        self.register_state_dict_post_hook(_with_one)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_without_one)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        shares = self.linear_layer(x.mean((-2, -1))).softmax(-1)
        mixture = torch.einsum("bn,nchw->bchw", shares, self.prompt_param)
        prompt: Tensor = self.conv3x3(F.interpolate(mixture, x.shape[-2:], mode="bilinear"))
        return prompt


def _with_one(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    state[f"{prefix}prompt_param"] = state[f"{prefix}prompt_param"][None]


def _without_one(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    name = f"{prefix}prompt_param"
    if name in state:
        state[name] = state[name].flatten(0, 1)


class PromptIR(nn.Module):
    """See `build`, whose arguments these are."""

    def __init__(
        self,
        dim: int,
        blocks: Sequence[int],
        refinement: int,
        heads: Sequence[int],
        expansion: float,
        prompt_channels: Sequence[int],
        prompt_sides: Sequence[int],
        prompts: int,
    ):
        super().__init__()
        two, three, four = 2 * dim, 4 * dim, 8 * dim
        # Channels of the prompts of levels 1, 2 and 3, and of the features that they are joined to.
        of_one, of_two, of_three = prompt_channels
        seen = (two, three, four)

        def block(channels: int, count: int) -> Block:
            return Block(channels, count, expansion, norm_bias=True)

        def stage(channels: int, level: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(block(channels, heads[level]) for _ in range(count)))

        def unused(channels: int, out: int) -> Pointwise:
            layer = Pointwise(channels, out)
            layer.requires_grad_(False)
            return layer

        self.patch_embed = PatchEmbedding(dim)
        self.prompt1, self.prompt2, self.prompt3 = (
            Prompt(features, channels, side, prompts)
            for features, channels, side in zip(seen, prompt_channels, prompt_sides, strict=True)
        )
        self.chnl_reduce1 = unused(of_one, of_one)
        self.chnl_reduce2 = unused(of_two, of_two)
        self.chnl_reduce3 = unused(of_three, UNUSED)
        self.reduce_noise_channel_1 = unused(dim + of_one, dim)
        self.encoder_level1 = stage(dim, 0, blocks[0])
        self.down1_2 = down(dim)
        self.reduce_noise_channel_2 = unused(two + of_two, two)
        self.encoder_level2 = stage(two, 1, blocks[1])
        self.down2_3 = down(two)
        self.reduce_noise_channel_3 = unused(three + UNUSED, three)
        self.encoder_level3 = stage(three, 2, blocks[2])
        self.down3_4 = down(three)
        self.latent = stage(four, 3, blocks[3])
        self.up4_3 = up(three)
        self.reduce_chan_level3 = Pointwise(two + three, three)
        self.noise_level3 = block(four + of_three, PROMPTED_HEADS)
        self.reduce_noise_level3 = Pointwise(four + of_three, three)
        self.decoder_level3 = stage(three, 2, blocks[2])
        self.up3_2 = up(three)
        self.reduce_chan_level2 = Pointwise(three, two)
        self.noise_level2 = block(three + of_two, PROMPTED_HEADS)
        self.reduce_noise_level2 = Pointwise(three + of_two, three)
        self.decoder_level2 = stage(two, 1, blocks[1])
        self.up2_1 = up(two)
        self.noise_level1 = block(two + of_one, PROMPTED_HEADS)
        self.reduce_noise_level1 = Pointwise(two + of_one, two)
        self.decoder_level1 = stage(two, 0, blocks[0])
        self.refinement = stage(two, 0, refinement)
        self.output = nn.Conv2d(two, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Sides that 8 does not divide are mirrored up to it, which needs 5 pixels at least."""
        return on_multiple(self._restored, x, MULTIPLE)

    def _restored(self, x: Tensor) -> Tensor:
        level1 = self.encoder_level1(self.patch_embed(x))
        level2 = self.encoder_level2(self.down1_2(level1))
        level3 = self.encoder_level3(self.down2_3(level2))
        y = self.latent(self.down3_4(level3))
        y = self.reduce_noise_level3(self.noise_level3(_joined(y, self.prompt3(y))))
        y = self.decoder_level3(self.reduce_chan_level3(_joined(self.up4_3(y), level3)))
        y = self.reduce_noise_level2(self.noise_level2(_joined(y, self.prompt2(y))))
        y = self.decoder_level2(self.reduce_chan_level2(_joined(self.up3_2(y), level2)))
        y = self.reduce_noise_level1(self.noise_level1(_joined(y, self.prompt1(y))))
        y = self.decoder_level1(_joined(self.up2_1(y), level1))
        residual: Tensor = self.output(self.refinement(y))
        return residual + x


def _joined(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat([one, other], 1)
