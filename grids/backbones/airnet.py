"""AirNet (Li et al., CVPR 2022), with the parameter names of its authors' weights.

A restorer that is guided, at every block, by features of the degraded image: where its deformable
convolutions look, and how channels are scaled and shifted. The features come from the first block
of an encoder which the authors train by contrast, so that they tell degradations apart. No image is
added to the output.

The deformable convolution is made of torch's own operations. Where it looks is learned and not
bounded, so the reach that is measured for tiles is that on a black image.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grids.backbones._residual_encoder import SLOPE, ResidualEncoder, head

# How it is trained.
PROCEDURE = "airnet"

TAPS = 9
# Of the contrast: how little a step moves the encoder of keys, and what logits are divided by.
MOMENTUM = 0.999
TEMPERATURE = 0.07

# What files of weights have and restoring needs not: names that begin so.
TRAINING_ONLY = ["E.E.queue", "E.E.encoder_k."]


def build(
    *,
    features: int = 64,
    groups: int = 5,
    blocks: int = 5,
    contrast: bool = False,
    queue: int = 1280,
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    The defaults have 7,610,377 parameters, of which restoring uses 6,369,033.

    Args:
        features: channels.
        groups: residual groups of the restorer.
        blocks: blocks of a group.
        contrast: with the encoder of keys and the queue that training by contrast needs, as files
            of weights have them: 8,930,313 parameters.
        queue: keys in the queue; the authors' have 4 · features · samples of a batch.
    """
    encoder = Encoder(features)
    return AirNet(
        Restorer(features, groups, blocks), Contrast(encoder, queue) if contrast else Query(encoder)
    )


class DeformableConvolution(nn.Module):
    """3×3, without bias; offsets and weights of its nine taps are computed at each pixel.

    Modulated deformable convolution (Zhu et al., Deformable ConvNets v2, CVPR 2019).
    """

    def __init__(self, features: int):
        super().__init__()
        bound = (TAPS * features) ** -0.5
        weight = torch.empty(features, features, 3, 3).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)
        # A fresh one looks where a convolution does, at half its weights.
        self.conv_offset_mask = nn.Conv2d(2 * features, 3 * TAPS, 3, padding=1)
        nn.init.zeros_(self.conv_offset_mask.weight)
        if self.conv_offset_mask.bias is not None:
            nn.init.zeros_(self.conv_offset_mask.bias)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        computed = self.conv_offset_mask(torch.cat([x, guide], 1))
        offsets, masks = computed.split([2 * TAPS, TAPS], 1)
        arguments = x, offsets, masks.sigmoid(), self.weight
        if not torch.is_grad_enabled():
            return deformed(*arguments)
        # The nine pixels of each pixel are taken again for the gradient instead of being kept.
        convolved: Tensor = checkpoint(deformed, *arguments, use_reentrant=False)
        return convolved


def deformed(x: Tensor, offsets: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """Modulated deformable convolution, 3×3, with zeros around the image.

    Args:
        x: (batch, channels, height, width).
        offsets: (batch, 18, height, width), in pixels: how much lower and how much further right
            than a convolution's it looks, for each of the nine taps, row by row.
        masks: (batch, 9, height, width), factors of the taps.
        weight: (out, channels, 3, 3).

    Returns:
        (batch, out, height, width).
    """
    height, width = x.shape[-2:]
    # Places are not rounded to bfloat16, of whose numbers there are few beyond 256.
    exact = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        down, right = offsets.to(exact).unflatten(1, (TAPS, 2)).unbind(2)
        tap = torch.arange(TAPS, device=x.device, dtype=exact)[:, None, None]
        rows = torch.arange(height, device=x.device, dtype=exact)[:, None]
        columns = torch.arange(width, device=x.device, dtype=exact)
        y_pixels = down + rows + (tap.div(3, rounding_mode="floor") - 1)
        x_pixels = right + columns + (tap.remainder(3) - 1)
        # Edges of the image are at −1 and 1.
        grid = torch.stack(
            [(2 * x_pixels + 1) / width - 1, (2 * y_pixels + 1) / height - 1], -1
        ).flatten(1, 2)
        taken = F.grid_sample(x.to(exact), grid, align_corners=False)
        taken = taken.unflatten(2, (TAPS, height)) * masks.to(exact)[:, None]
    return F.conv2d(taken.flatten(1, 2), weight.flatten(1)[..., None, None])


class Modulation(nn.Module):
    """Factors and summands of the pixels, from the guide's (spatial feature transform)."""

    def __init__(self, features: int):
        super().__init__()

        def layers() -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(features, features, 1, bias=False),
                nn.LeakyReLU(SLOPE),
                nn.Conv2d(features, features, 1, bias=False),
            )

        self.conv_gamma = layers()
        self.conv_beta = layers()

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        modulated: Tensor = x * self.conv_gamma(guide) + self.conv_beta(guide)
        return modulated


class Guided(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.dcn = DeformableConvolution(features)
        self.sft = Modulation(features)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        guided: Tensor = x + (self.dcn(x, guide) + self.sft(x, guide))
        return guided


class Block(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.dgm1 = Guided(features)
        self.dgm2 = Guided(features)
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        y = F.leaky_relu(self.dgm1(x, guide), SLOPE)
        y = F.leaky_relu(self.conv1(y), SLOPE)
        y = F.leaky_relu(self.dgm2(y, guide), SLOPE)
        residual: Tensor = self.conv2(y)
        return residual + x


class Group(nn.Module):
    def __init__(self, features: int, blocks: int):
        super().__init__()
        self.body = nn.ModuleList(Block(features) for _ in range(blocks))
        self.body.append(nn.Conv2d(features, features, 3, padding=1))

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        return _through(self.body, x, guide)


class Restorer(nn.Module):
    def __init__(self, features: int, groups: int, blocks: int):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, features, 3, padding=1))
        self.body = nn.ModuleList(Group(features, blocks) for _ in range(groups))
        self.body.append(nn.Conv2d(features, features, 3, padding=1))
        self.tail = nn.Sequential(nn.Conv2d(features, 3, 3, padding=1))

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        restored: Tensor = self.tail(_through(self.body, self.head(x), guide))
        return restored


def _through(body: nn.ModuleList, x: Tensor, guide: Tensor) -> Tensor:
    """Guided modules and a convolution one after the other, and `x` added."""
    *guided, last = body
    y = x
    for module in guided:
        y = module(y, guide)
    residual: Tensor = last(y)
    return residual + x


class Encoder(ResidualEncoder):
    def __init__(self, features: int):
        super().__init__(features)
        self.length = 4 * features
        self.mlp = nn.Sequential(*head(self.length, self.length))
        # Restoring takes the first block alone; the others are for the contrast to train.
        self.E.requires_grad_(False)
        self.mlp.requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 3, h, w) → the guide, (batch, features, h, w), and codes, (batch, length).

        Codes are vectors of length 1.
        """
        guide, code = self.encoded(x)
        return guide, F.normalize(self.mlp(code), dim=1)


class Query(nn.Module):
    """What restoring has of `Contrast`."""

    def __init__(self, encoder: Encoder):
        super().__init__()
        self.encoder_q = encoder


class Contrast(nn.Module):
    """Momentum contrast (He et al., CVPR 2020) of two crops of an image with crops before them.

    Training needs it and restoring does not. `encoder_q`, shared with the network, is trained as a
    whole from then on; `encoder_k` follows it, without gradients.

    Args:
        encoder: the network's, at `network.E.E.encoder_q`.
        count: keys in the queue.
    """

    queue: Tensor
    queue_ptr: Tensor

    def __init__(self, encoder: Encoder, count: int):
        super().__init__()
        self.register_buffer("queue", F.normalize(torch.randn(encoder.length, count), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))
        self.encoder_q = encoder.requires_grad_(True)
        self.encoder_k = copy.deepcopy(encoder).requires_grad_(False)

    def forward(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the contrast: the encoder of keys follows, and the keys join the queue.

        Args:
            queries, keys: two crops of each image, (batch, 3, h, w) both.

        Returns:
            The guide of the queries for the restorer, and logits (batch, 1 + count): the one of the
            image's own key first, so that 0 is what a cross entropy is to find.
        """
        guide, codes = self.encoder_q(queries)
        with torch.no_grad():
            self.follow()
            _, of_keys = self.encoder_k(keys)
        logits = self.logits(codes, of_keys)
        self.remember(of_keys)
        return guide, logits

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the encoder of keys towards that of queries; not the statistics of its batches."""
        pairs = zip(self.encoder_k.parameters(), self.encoder_q.parameters(), strict=True)
        for own, other in pairs:
            own.mul_(MOMENTUM).add_(other, alpha=1 - MOMENTUM)

    def logits(self, codes: Tensor, keys: Tensor) -> Tensor:
        """Of codes (batch, length): with their own keys, and with those in the queue."""
        own = (codes * keys).sum(1, keepdim=True)
        others = codes @ self.queue.clone()
        return torch.cat([own, others], 1) / TEMPERATURE

    @torch.no_grad()
    def remember(self, keys: Tensor) -> None:
        """Keys (batch, length) take the places of the oldest in the queue."""
        count = self.queue.shape[1]
        places = (self.queue_ptr + torch.arange(len(keys), device=keys.device)) % count
        self.queue[:, places] = keys.T.to(self.queue.dtype)
        self.queue_ptr.add_(len(keys)).remainder_(count)


class Encoders(nn.Module):
    """Files have the encoders in a module of a module."""

    def __init__(self, inner: Query | Contrast):
        super().__init__()
        self.E = inner


class AirNet(nn.Module):
    """A restorer and the encoder that guides it, with or without what its contrast needs."""

    def __init__(self, restorer: Restorer, inner: Query | Contrast):
        super().__init__()
        self.R = restorer
        self.E = Encoders(inner)

    def forward(self, x: Tensor) -> Tensor:
        """Guided by what the encoder's first block sees; `R` takes the guide of another as well."""
        restored: Tensor = self.R(x, self.E.E.encoder_q.E_pre(x))
        return restored
