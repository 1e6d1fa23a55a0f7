"""Networks computed in the obvious way: their parts as textbooks and most public code have them.

What a training step and a pass are set against in benchmarks/training.py.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones import _naf, _transformer, airnet, amirnet, idr


def textbook(network: nn.Module) -> nn.Module:
    """A copy with the same weights, and with the parts below in place of its own.

    Raises:
        ValueError: the copy's output is another.
    """
    plain = copy.deepcopy(network)
    for module in plain.modules():
        # Only `forward` differs, so weights stay where they are.
        module.__class__ = PARTS.get(type(module), type(module))
    x = torch.rand(1, 3, 16, 16, device=next(network.parameters()).device)
    with torch.no_grad():
        difference = (network.double()(x.double()) - plain.double()(x.double())).abs().max()
    if difference > 1e-9:
        raise ValueError(f"{type(network).__name__}: the output is another, by {difference:.1e}")
    network.float()
    return plain.float()


def _normed(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + epsilon) * weight + bias


class Pointwise(_transformer.Pointwise):
    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


class Norm(_transformer.Norm):
    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        y = x.flatten(2).transpose(1, 2)
        variance = y.var(-1, keepdim=True, unbiased=False)
        if self.body.bias is None:
            y = y / torch.sqrt(variance + 1e-5) * self.body.weight
        else:
            mean = y.mean(-1, keepdim=True)
            y = (y - mean) / torch.sqrt(variance + 1e-5) * self.body.weight + self.body.bias
        return y.transpose(1, 2).reshape(x.shape[0], -1, height, width)


class Attention(_transformer.Attention):
    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        heads = len(self.temperature)
        shape = (batch, heads, channels // heads, height * width)
        q, k, v = (t.reshape(shape) for t in self.qkv_dwconv(self.qkv(x)).chunk(3, 1))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        weights = (q @ k.transpose(-2, -1) * self.temperature).softmax(-1)
        return self.project_out((weights @ v).reshape(x.shape))


class FeedForward(_transformer.FeedForward):
    def forward(self, x: Tensor) -> Tensor:
        gate, content = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(F.gelu(gate) * content)


class Resampling(_transformer.Resampling):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class NafNorm(_naf.Norm):
    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.view(1, -1, 1, 1), self.bias.view(1, -1, 1, 1)
        return _normed(x, weight, bias, 1e-6)


class Mean(_naf.Mean):
    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, 1)


class NafBlock(_naf.Block):
    def forward(self, x: Tensor) -> Tensor:
        y = self.gated(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(y * self.sca(y)) * self.beta
        return x + self.conv5(self.gated(self.conv4(self.norm2(x)))) * self.gamma

    @staticmethod
    def gated(x: Tensor) -> Tensor:
        one, other = x.chunk(2, 1)
        return one * other


class ToldNorm(amirnet.ToldNorm):
    def forward(self, x: Tensor, codes: list[Tensor]) -> Tensor:
        weight, bias = (made.as_factors(codes) for made in (self.weight, self.bias))
        return _normed(x, weight, bias, 1e-6)


class KeyAttention(idr.KeyAttention):
    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        part = channels // self.heads
        q = self.q(x).reshape(batch, self.heads, part, -1)
        k, v = self.kv(keys).transpose(1, 2).chunk(2, 1)
        k, v = (t.reshape(len(t), self.heads, part, -1) for t in (k, v))
        weights = (q.transpose(-2, -1) @ k * channels**-0.5).softmax(-1)
        attended = (v @ weights.transpose(-2, -1)).reshape(batch, channels, height, width)
        return self.project_out(attended)


class KernelsOfPixels(idr.Convolution):
    def forward(self, x: Tensor, joined: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        kernels = self.convolve(joined).reshape(batch, channels, 25, height * width)
        around = F.unfold(F.pad(x, [2] * 4, mode="replicate"), 5)
        return (around.reshape(kernels.shape) * kernels).sum(2).reshape(x.shape)


class DeformableConvolution(airnet.DeformableConvolution):
    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        computed = self.conv_offset_mask(torch.cat([x, guide], 1))
        offsets, masks = computed.split([18, 9], 1)
        return airnet.deformed(x, offsets, masks.sigmoid(), self.weight)


PARTS = {
    _transformer.Pointwise: Pointwise,
    _transformer.Norm: Norm,
    _transformer.Attention: Attention,
    _transformer.FeedForward: FeedForward,
    _transformer.Resampling: Resampling,
    _naf.Norm: NafNorm,
    _naf.Mean: Mean,
    _naf.Block: NafBlock,
    amirnet.ToldNorm: ToldNorm,
    idr.KeyAttention: KeyAttention,
    idr.Convolution: KernelsOfPixels,
    airnet.DeformableConvolution: DeformableConvolution,
}
