"""Batch normalization over a batch that processes share, as if one of them had it all.

Torch's own, `torch.nn.SyncBatchNorm`, works on GPUs alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from grids.training.processes import ranks


class OverProcesses(_BatchNorm):
    """Normalizes by means over the equal shares that all processes have of a batch.

    Outputs, running statistics and, in the mean over the processes, gradients are those of one
    process with the whole batch, but for rounding. In evaluation none waits for another.
    """

    apart = False
    """Whether processes compute different things at the moment: each normalizes by its own."""

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, …) → the same; computed in float32 at least."""
        if not self.training or OverProcesses.apart:
            return super().forward(input)
        others = [0, *range(2, input.dim())]
        exact = input.to(torch.promote_types(input.dtype, torch.float32))
        mean = ranks.mean(exact.mean(others, keepdim=True))
        centred = exact - mean
        variance = ranks.mean(centred.square().mean(others, keepdim=True))
        self._track(mean, variance, ranks.count() * input.numel() // self.num_features)
        normed = centred * (variance + self.eps).rsqrt()
        if self.weight is not None:
            normed = normed * self.weight.view_as(mean[0])
        if self.bias is not None:
            normed = normed + self.bias.view_as(mean[0])
        return normed.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Moves the running statistics towards those of `count` numbers a channel."""
        batches = self.num_batches_tracked
        if self.running_mean is None or self.running_var is None or batches is None:
            return
        batches.add_(1)
        share = 1 / float(batches) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.flatten().to(self.running_mean), share)
        unbiased = variance.flatten() * count / (count - 1)
        self.running_var.lerp_(unbiased.to(self.running_var), share)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions."""


def over_processes(network: nn.Module) -> None:
    """Has the batch normalizations of a network be over all processes, if there are several."""
    if ranks.count() > 1:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.__class__ = OverProcesses


@contextmanager
def apart() -> Iterator[None]:
    """Within it each process normalizes by its own batches: others are at other things."""
    OverProcesses.apart = True
    try:
        yield
    finally:
        OverProcesses.apart = False
