"""IDR (Zhang et al., Ingredient-oriented multi-degradation learning, CVPR 2023), authors' names.

Restormer with a block behind each level on the way down that undoes a degradation. What it undoes
is told by keys, of which each task (a type of degradation) has a matrix of its own, learned in a
first stage. From these a second stage, which restoring is, makes keys for any image: the singular
vectors of all tasks are mixed by what it learns, the singular values by which tasks an image looks
like. With the keys the block computes a map of the degradation, and with the map it adds to its
features, scales them or convolves them: three routes, mixed by the same shares.

Singular vectors have no sign of their own, and the result depends on it. Here the largest entry of
each left one is positive, so that machines agree.

The authors' networks have weights that nothing uses, and so has this one, so that files fit. They
are not trained. Attention and means see the whole image: the output of a tile is not that part of
the whole image's output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._padding import on_multiple
from grids.backbones._residual import ResidualBlock
from grids.backbones._transformer import (
    MULTIPLE,
    Block,
    Norm,
    PatchEmbedding,
    Pointwise,
    check_levels,
    down,
    up,
)
from grids.base.errors import InputError

# How it is trained.
PROCEDURE = "idr"

# Side of the kernels that the third route computes for each pixel and channel.
KERNEL = 5

ADDITION, POINT, CONVOLUTION = 1, 2, 3

# Options whose lists may have another length than their defaults.
ANY_LENGTH = ["routes"]


def build(
    *,
    dim: int = 30,
    blocks: Sequence[int] = [2, 3, 3, 4],
    refinement: int = 2,
    heads: Sequence[int] = [1, 2, 4, 8],
    expansion: float = 2.66,
    keys: int = 24,
    routes: Sequence[int] = [1, 1, 2, 3, 2],
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    The defaults are those of the authors' training, 12,262,448 parameters.

    Args:
        dim: channels of the first level, an even number; each further level has twice as many.
        blocks: transformer blocks of the four levels; the decoder has as many as the encoder.
        refinement: blocks behind the decoder.
        heads: attention heads of the four levels; each must divide its level's channels.
        expansion: channels inside the feed-forward parts, as a multiple of those outside.
        keys: of each task.
        routes: for each task how it is undone: 1 adds to the features, 2 scales and shifts them,
            3 convolves them. The authors' tasks are noise, rain, haze, blur and low light.

    Raises:
        InputError: a list has another length, heads do not divide the channels, or there is no
            such route.
    """
    check_levels("idr", dim, blocks, heads)
    if not {*routes} <= {ADDITION, POINT, CONVOLUTION}:
        raise InputError(
            f"backbones.idr.routes: 1 adds, 2 scales and shifts, 3 convolves; got {[*routes]}"
        )
    return IDR(dim, blocks, refinement, heads, expansion, keys, routes)


@dataclass(frozen=True)
class Explained:
    """What a training compares beside the restored images, of each of the three levels.

    Attributes:
        restored: (batch, 3, height, width).
        estimates: the restored images as a level sees them, at its size.
        shares: (batch, tasks): which tasks an image looks like; their sum is 1.
    """

    restored: Tensor
    estimates: list[Tensor]
    shares: list[Tensor]


@dataclass(frozen=True)
class Ingredients:
    """Left (keys, keys) and right (keys, length) vectors, mixed; values (tasks, keys)."""

    left: Tensor
    values: Tensor
    right: Tensor

    def keys(self, shares: Tensor) -> Tensor:
        """Keys (batch, keys, length) of images that look so much like each task."""
        values = shares.to(self.values.dtype) @ self.values
        return self.left * values[:, None] @ self.right


def decomposed(hubs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Singular value decompositions in which the largest entry of a left vector is positive.

    Args:
        hubs: (tasks, keys, length), with no more keys than length.

    Returns:
        Left vectors as rows (tasks, keys, keys), values (tasks, keys), and right vectors as rows
        (tasks, keys, length), sorted by the values, the largest first.
    """
    left, values, right = torch.linalg.svd(hubs, full_matrices=False)
    rows = left.mT
    largest = rows.gather(-1, rows.abs().argmax(-1, keepdim=True))
    signs = torch.where(largest < 0, -1.0, 1.0).to(hubs.dtype)
    return rows * signs, values, right * signs


class Mixer(nn.Module):
    """Mixes the singular vectors of all tasks into those of one decomposition."""

    def __init__(self, vectors: int, keys: int):
        super().__init__()
        self.convU = nn.Conv2d(vectors, keys, 1)
        self.convV = nn.Conv2d(vectors, keys, 1)

    def forward(self, hubs: Tensor) -> Ingredients:
        # Without gradients, as the authors do it: the second stage leaves hubs as they are. In
        # float32 at least, in which alone decompositions exist.
        with torch.no_grad(), torch.autocast(hubs.device.type, enabled=False):
            left, values, right = decomposed(hubs.detach())
        return Ingredients(_mixed(self.convU, left).mT, values, _mixed(self.convV, right))


def _mixed(convolution: nn.Conv2d, vectors: Tensor) -> Tensor:
    """(tasks, keys, length) → (keys, length)."""
    mixed: Tensor = convolution(vectors.flatten(0, 1)[None, :, :, None])
    return mixed[0, :, :, 0]


class Estimate(nn.Module):
    """Features, and the input at their size → features that an estimated image has weighed."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = Pointwise(channels, channels)
        self.conv2 = Pointwise(channels, 3)
        self.conv3 = Pointwise(3, channels)

    def forward(self, x: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        estimate = self.conv2(x) + image
        return self.conv1(x) * self.conv3(estimate).sigmoid() + x, estimate


class KeyAttention(nn.Module):
    """Each pixel attends to the keys."""

    def __init__(self, channels: int, length: int, heads: int):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.q = nn.Sequential(Pointwise(channels, channels), _depthwise(channels))
        self.kv = nn.Linear(length, 2 * channels)
        self.qkv = Pointwise(channels, 3 * channels)
        self.qkv_dwconv = _depthwise(3 * channels)
        self.project_out = Pointwise(channels, channels)
        # What nothing uses.
        self.temperature.requires_grad_(False)
        self.qkv.requires_grad_(False)
        self.qkv_dwconv.requires_grad_(False)

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        """(batch, channels, h, w) and (batch, keys, length) → like `x`."""
        channels, height, width = x.shape[1:]
        pixels = self.q(x).permute(0, 2, 3, 1).flatten(1, 2)
        k, v = self.kv(keys).chunk(2, dim=2)
        q, k, v = (t.unflatten(2, (self.heads, -1)).transpose(1, 2) for t in (pixels, k, v))
        # By all channels, not by those of a head.
        weights = (q @ k.mT * channels**-0.5).softmax(-1)
        attended = (weights @ v).transpose(1, 2).flatten(2).unflatten(1, (height, width))
        out: Tensor = self.project_out(attended.permute(0, 3, 1, 2))
        return out


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


class FeedForward(nn.Module):
    def __init__(self, channels: int, expansion: float):
        super().__init__()
        hidden = int(channels * expansion)
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=False)
        for convolution in (self.fc1, self.dwconv, self.fc2):
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
            if convolution.bias is not None:
                nn.init.zeros_(convolution.bias)

    def forward(self, x: Tensor) -> Tensor:
        forwarded: Tensor = self.fc2(F.gelu(self.dwconv(self.fc1(x))))
        return forwarded


def _convolved(channels: int, out: int, side: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, side, padding=side // 2), nn.PReLU())


def _body(channels: int, out: int) -> list[nn.Module]:
    return [_convolved(channels, out, 3), ResidualBlock(out), ResidualBlock(out)]


class Addition(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.add = nn.Sequential(*_body(2 * channels, channels))

    def forward(self, x: Tensor, joined: Tensor) -> Tensor:
        added: Tensor = x + self.add(joined)
        return added


class Point(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Sequential(*_body(2 * channels, 2 * channels))

    def forward(self, x: Tensor, joined: Tensor) -> Tensor:
        factors, summands = self.weight(joined).chunk(2, dim=1)
        scaled: Tensor = factors * x + summands
        return scaled


class Convolution(nn.Module):
    """With a kernel for each pixel and channel, the edge continued."""

    def __init__(self, channels: int):
        super().__init__()
        self.convolve = nn.Sequential(
            *_body(2 * channels, channels), _convolved(channels, channels * KERNEL**2, 1)
        )

    def forward(self, x: Tensor, joined: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        kernels = self.convolve(joined).unflatten(1, (-1, KERNEL**2))
        around = F.pad(x, [KERNEL // 2] * 4, mode="replicate")
        # Tap by tap: all at once they would be 25 times the features.
        return sum(
            (
                kernels[:, :, tap]
                * around[..., tap // KERNEL :, tap % KERNEL :][..., :height, :width]
                for tap in range(KERNEL**2)
            ),
            torch.zeros_like(x),
        )


class Routes(nn.Module):
    """Features and the map of the degradation → features without it."""

    def __init__(self, channels: int, routes: Sequence[int]):
        super().__init__()
        self.routes = routes
        self.mlp_img = nn.Conv2d(channels, channels, 1)
        self.mlp_degra = nn.Conv2d(channels, channels, 1)
        self.convolve = Convolution(channels)
        self.addition = Addition(channels)
        self.point = Point(channels)
        # What no task takes is not trained.
        self.convolve.requires_grad_(CONVOLUTION in routes)
        self.point.requires_grad_(POINT in routes)
        # The numbers are those of files.
        self.pred = nn.Sequential(
            nn.Identity(),
            nn.Conv2d(channels, channels, 1),
            nn.Conv2d(channels, len(routes), 1),
        )

    def shares(self, x: Tensor) -> Tensor:
        """(batch, tasks)."""
        numbers: Tensor = self.pred(x.mean((-2, -1), keepdim=True))
        return numbers.flatten(1).softmax(1)

    def forward(self, x: Tensor, degradation: Tensor, shares: Tensor | None, task: int) -> Tensor:
        """By the routes of all tasks as `shares` has it, or by that of one `task`."""
        x = self.mlp_img(x)
        # Channel by channel.
        joined = torch.stack([x, self.mlp_degra(degradation)], 2).flatten(1, 2)
        if shares is None:
            route = self.routes[task]
            if route == ADDITION:
                return self._added(x, joined)
            undo = self.point if route == POINT else self.convolve
            undone: Tensor = undo(x, joined)
            return undone
        # The others begin with what the first has made, as in the authors' code.
        added = self._added(x, joined)
        by_route = {ADDITION: added}
        if POINT in self.routes:
            by_route[POINT] = self.point(added, joined)
        if CONVOLUTION in self.routes:
            by_route[CONVOLUTION] = self.convolve(added, joined)
        weighed = [
            share[:, None, None, None] * by_route[route]
            for share, route in zip(shares.unbind(1), self.routes, strict=True)
        ]
        return torch.stack(weighed).sum(0)

    def _added(self, x: Tensor, joined: Tensor) -> Tensor:
        added: Tensor = self.addition(x, joined)
        return added


class KeyBlock(nn.Module):
    def __init__(
        self, channels: int, length: int, heads: int, expansion: float, routes: Sequence[int]
    ):
        super().__init__()
        self.norm1 = Norm(channels, bias=True)
        self.attn = KeyAttention(channels, length, heads)
        self.norm2 = Norm(channels, bias=True)
        self.ffn = FeedForward(channels, expansion)
        self.principle = Routes(channels, routes)
        self.SAM = Estimate(channels)

    def forward(
        self, x: Tensor, image: Tensor, given: Tensor | Ingredients, task: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features undone, the estimated image, and the shares of the tasks.

        Args:
            x: features, (batch, channels, h, w).
            image: the degraded image at their size.
            given: the keys of `task`, or what each image's own are made of.
            task: counts only with its keys.
        """
        shares = self.principle.shares(x)
        keys = given.keys(shares) if isinstance(given, Ingredients) else given
        seen, estimate = self.SAM(x, image)
        keys = F.layer_norm(keys.expand(len(x), -1, -1), keys.shape[-1:])
        degradation = self.attn(self.norm1(seen), keys)
        mixing = shares if isinstance(given, Ingredients) else None
        x = self.principle(x, degradation, mixing, task)
        return x + self.ffn(self.norm2(x)), estimate, shares


class IDR(nn.Module):
    """See `build`, whose arguments these are.

    `forward` is the second stage. The first trains `degra_key`, the keys of each task, which
    otherwise stay as they are: `requires_grad_` is for its training to set.
    """

    def __init__(
        self,
        dim: int,
        blocks: Sequence[int],
        refinement: int,
        heads: Sequence[int],
        expansion: float,
        keys: int,
        routes: Sequence[int],
    ):
        super().__init__()
        length = 8 * dim

        def stage(channels: int, level: int, count: int) -> nn.Sequential:
            return nn.Sequential(
                *(Block(channels, heads[level], expansion, norm_bias=True) for _ in range(count))
            )

        def key_block(level: int) -> KeyBlock:
            return KeyBlock(dim << level, length, heads[level], expansion, routes)

        self.degra_key = nn.Parameter(torch.randn(len(routes), keys, length), requires_grad=False)
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
        self.decoder_level1 = stage(2 * dim, 0, blocks[0])
        self.refinement = stage(2 * dim, 0, refinement)
        self.output = nn.Conv2d(2 * dim, 3, 3, padding=1, bias=False)
        self.dmixer = Mixer(len(routes) * keys, keys)
        self.kdp_level1, self.kdp_level2, self.kdp_level3 = map(key_block, range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Sides that 8 does not divide are mirrored up to it, which needs 5 pixels at least."""
        return on_multiple(lambda padded: self.explained(padded).restored, x, MULTIPLE)

    def explained(self, x: Tensor, task: int | None = None) -> Explained:
        """What comes of images (batch, 3, height, width); 8 must divide the sides.

        Args:
            x: the degraded images.
            task: that of all of them, in the first stage: its keys and its route are taken.
        """
        if task is None:
            return self._explained(x, self.dmixer(self.degra_key), 0)
        return self._explained(x, self.degra_key[task][None], task)

    def _explained(self, x: Tensor, given: Tensor | Ingredients, task: int) -> Explained:
        estimates, shares, skips = [], [], []
        y = self.patch_embed(x)
        for encoder, key_block, shrink in (
            (self.encoder_level1, self.kdp_level1, self.down1_2),
            (self.encoder_level2, self.kdp_level2, self.down2_3),
            (self.encoder_level3, self.kdp_level3, self.down3_4),
        ):
            y = encoder(y)
            image = x if y.shape[-2:] == x.shape[-2:] else reduced(x, y.shape[-2:])
            y, estimate, looks_like = key_block(y, image, given, task)
            estimates.append(estimate)
            shares.append(looks_like)
            skips.append(y)
            y = shrink(y)
        level1, level2, level3 = skips
        y = self.up4_3(self.latent(y))
        y = self.decoder_level3(self.reduce_chan_level3(torch.cat([y, level3], 1)))
        y = self.up3_2(y)
        y = self.decoder_level2(self.reduce_chan_level2(torch.cat([y, level2], 1)))
        y = self.decoder_level1(torch.cat([self.up2_1(y), level1], 1))
        restored = self.output(self.refinement(y)) + x
        return Explained(restored, estimates, shares)


def reduced(images: Tensor, size: Sequence[int]) -> Tensor:
    """Images, or what they should be, at the size of a level: bilinear, without antialiasing."""
    return F.interpolate(images, tuple(size), mode="bilinear", align_corners=False)
