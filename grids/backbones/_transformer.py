"""The blocks of Restormer (Zamir et al., CVPR 2022), of which other networks are made too.

Each block attends over channels, so its cost grows linearly with the pixels, and mixes by a gated
depthwise convolution. The channel attention sees the whole image.

The formulas are arranged so that few passes over the pixels are made, of which a step mostly
consists; the numbers are those of the plain formulas up to rounding.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._norm import over_channels
from grids.base.errors import InputError

EPSILON = 1e-5
# Of the networks that are made of these blocks; each further level has half the sides.
LEVELS = 4
MULTIPLE = 2 ** (LEVELS - 1)


def check_levels(network: str, dim: int, blocks: Sequence[int], heads: Sequence[int]) -> None:
    """Whether four levels of blocks with such heads can be built, of dim, 2 · dim, … channels.

    Raises:
        InputError: a list has another length than four, dim is odd, or heads do not divide the
            channels of their level.
    """
    if len(blocks) != LEVELS or len(heads) != LEVELS:
        raise InputError(
            f"backbones.{network}: blocks and heads need {LEVELS} numbers each, "
            f"got {[*blocks]} and {[*heads]}"
        )
    for level, count in enumerate(heads):
        # `down` halves the channels before it puts pixels into them.
        if (dim << level) % count or dim % 2:
            raise InputError(
                f"backbones.{network}: dim must be even and {dim << level} channels of level "
                f"{level + 1} divisible by its heads, got dim {dim} and heads {[*heads]}"
            )


class Pointwise(nn.Conv2d):
    """A 1×1 convolution without bias as the matrix product over the channels that it is.

    In channels_last memory the pixels are the rows of a matrix as they stand, and a matrix product
    takes less time than the convolution, above all on a CPU.
    """

    def __init__(self, channels: int, out: int):
        super().__init__(channels, out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return _pointwise(x, self.weight)


def _pointwise(x: Tensor, weight: Tensor) -> Tensor:
    return F.linear(x.permute(0, 2, 3, 1), weight.flatten(1)).permute(0, 3, 1, 2)


class Affine(nn.Module):
    """The weights of a normalisation."""

    def __init__(self, channels: int, bias: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None


class Norm(nn.Module):
    """Normalisation over the channels of each pixel."""

    def __init__(self, channels: int, bias: bool):
        super().__init__()
        # The names of the weights want an inner module.
        self.body = Affine(channels, bias)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.body.weight, self.body.bias
        if bias is not None:
            return over_channels(x, weight, bias, EPSILON)
        pixels = x.permute(0, 2, 3, 1)
        # As in `over_channels`, and for its reasons.
        with torch.autocast(x.device.type, enabled=False):
            variance = pixels.var(-1, keepdim=True, unbiased=False)
            normed = pixels * torch.rsqrt(variance + EPSILON) * weight.to(x.dtype)
        return normed.permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Attention between the channels of a head (multi-Dconv head transposed attention)."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = Pointwise(channels, 3 * channels)
        self.qkv_dwconv = nn.Conv2d(
            3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=False
        )
        self.project_out = Pointwise(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = x.shape[1:]
        heads = len(self.temperature)
        # (batch, pixels, channels): a view in channels_last memory.
        pixels = self.qkv_dwconv(self.qkv(x)).permute(0, 2, 3, 1).flatten(1, 2)
        q, k, v = pixels.chunk(3, dim=2)
        # The products of the normalised q and k are those of q and k over the product of their
        # lengths: c × c numbers are divided instead of c × pixels.
        products = _by_head(q, heads).mT @ _by_head(k, heads)
        of_q, of_k = (_lengths(t).unflatten(1, (heads, -1)) for t in (q, k))
        lengths = of_q[..., :, None] * of_k[..., None, :]
        weights = (products / lengths * self.temperature).softmax(-1)
        # Weights and output projection are one matrix an image, so v is passed over once.
        projection = self.project_out.weight.view(channels, heads, -1).transpose(0, 1)
        joint = (projection @ weights.to(projection.dtype)).transpose(1, 2).flatten(2)
        out: Tensor = v @ joint.mT.to(v.dtype)
        rows: Tensor = out.unflatten(1, (height, width))
        return rows.permute(0, 3, 1, 2)


def _lengths(pixels: Tensor) -> Tensor:
    lengths: Tensor = Lengths.apply(pixels)  # type: ignore[no-untyped-call] # torch annotates none
    return lengths


def _by_head(pixels: Tensor, heads: int) -> Tensor:
    """(batch, pixels, channels) → (batch, heads, pixels, channels of a head)."""
    by_head: Tensor = pixels.unflatten(2, (heads, -1))
    return by_head.transpose(1, 2)


class Lengths(torch.autograd.Function):
    """Euclidean length of each channel over the pixels, (batch, channels), never 0.

    In float32 at least. The norm's own gradient would make three passes over float32 pixels.
    """

    @staticmethod
    def forward(context: Any, pixels: Tensor) -> Tensor:
        exact = torch.promote_types(pixels.dtype, torch.float32)
        lengths: Tensor = torch.linalg.vector_norm(pixels, dim=1, dtype=exact).clamp(min=1e-12)
        context.save_for_backward(pixels, lengths)
        return lengths

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        pixels, lengths = context.saved_tensors
        of_pixels: Tensor = pixels * (gradient / lengths)[:, None].to(pixels.dtype)
        return of_pixels


class Gated(torch.autograd.Function):
    """GELU of one tensor times another.

    Nothing but these two is kept for the backward pass: a tenth less memory than by the operations'
    own gradients.
    """

    @staticmethod
    def forward(context: Any, gate: Tensor, content: Tensor) -> Tensor:
        context.save_for_backward(gate, content)
        return F.gelu(gate).mul_(content)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        gate, content = context.saved_tensors
        of_gate = torch.ops.aten.gelu_backward(gradient * content, gate)
        return of_gate, F.gelu(gate).mul_(gradient)


class FeedForward(nn.Module):
    """Gated depthwise convolution."""

    def __init__(self, channels: int, expansion: float):
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = Pointwise(channels, 2 * hidden)
        self.dwconv = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project_out = Pointwise(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        # Each half by itself is dense in memory: cut out of a whole in channels_last memory, it
        # would lie in pieces, one a pixel, on which a CPU works up to three times as long.
        gate, content = (
            F.conv2d(_pointwise(x, mixing), filters, padding=1, groups=len(filters))
            for mixing, filters in zip(
                _filled(self.project_in.weight, x.dtype),
                _filled(self.dwconv.weight, x.dtype),
                strict=True,
            )
        )
        gated: Tensor = Gated.apply(gate, content)  # type: ignore[no-untyped-call] # as above
        weight = self.project_out.weight
        return _pointwise(gated, F.pad(weight, (0, 0, 0, 0, 0, gated.shape[1] - weight.shape[1])))


def _filled(weight: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The halves of a weight's output channels, each filled up with zeros to a multiple of 16.

    Odd numbers of channels, such as 127 and 255, take longer than the next round ones.
    """
    halves = weight.to(dtype).unflatten(0, (2, -1))
    first, second = F.pad(halves, (0, 0, 0, 0, 0, 0, 0, -halves.shape[1] % 16)).unbind()
    return first, second


class Block(nn.Module):
    def __init__(self, channels: int, heads: int, expansion: float, norm_bias: bool):
        super().__init__()
        self.norm1 = Norm(channels, norm_bias)
        self.attn = Attention(channels, heads)
        self.norm2 = Norm(channels, norm_bias)
        self.ffn = FeedForward(channels, expansion)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        forwarded: Tensor = self.ffn(self.norm2(x))
        return x + forwarded


class Resampling(nn.Module):
    """A convolution and a pixel (un)shuffle: half the side and twice the channels, or back."""

    def __init__(self, channels: int, convolved: int, shuffle: nn.Module):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, convolved, 3, padding=1, bias=False), shuffle)

    def forward(self, x: Tensor) -> Tensor:
        # On a GPU the shuffles leave channels_last memory, which all that follows is made for.
        resampled: Tensor = self.body(x)
        return resampled.contiguous(memory_format=torch.channels_last)


class PatchEmbedding(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.proj(x)
        return embedded


def down(channels: int) -> Resampling:
    """Half the side and twice the channels."""
    return Resampling(channels, channels // 2, nn.PixelUnshuffle(2))


def up(channels: int) -> Resampling:
    """Twice the side and half the channels."""
    return Resampling(channels, 2 * channels, nn.PixelShuffle(2))
