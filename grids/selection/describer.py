"""Measures the statistics of a photograph with the descriptor."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from grids.backbones.srresnet import SLOPE
from grids.base.errors import InputError
from grids.descriptors import srresnet
from grids.pixels.arrays import to_tensor
from grids.selection import patches, pixel_statistics
from grids.selection.statistics import Statistics
from grids.similarity import features
from grids.similarity import law as laws

# The trunk at these shares of its depth gives the vector; 0 is what enters its first block. What
# lies deeper tells no more, beside the pixels themselves, and costs eight times as much.
DEPTHS = (0.125,)
FLOOR = 1e-8
NO_LAW = (float("nan"), float("nan"))


class Describer:
    """Measures photographs with a descriptor.

    Args:
        weights: the descriptor's file.
        device: where it runs.
        precision: `fp32`, or `bf16` for products in bfloat16.
        layer: features that the law is fitted to (see `grids.descriptors.srresnet`).
        count: patches of a photograph.
        components: principal components kept of them.
        clip: scores beyond this many standard deviations are dropped; 0 keeps all.
    """

    def __init__(
        self,
        weights: Path,
        device: torch.device,
        precision: str,
        *,
        layer: srresnet.Layer,
        count: int,
        components: int,
        clip: float,
    ):
        network = srresnet.load(weights)
        # The annotation of `to` lacks the format of memory.
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._law = srresnet.describer(network, layer)
        self._network = network
        self._device, self._bf16 = device, precision == "bf16"
        self._count, self._components, self._clip = count, components, clip

    def __call__(self, image: NDArray[np.uint8], law: bool = False) -> Statistics:
        """The statistics of a photograph (height, width, 3).

        Args:
            image: uint8 RGB.
            law: whether its law is wanted too, which takes most of the time.

        Raises:
            InputError: it is too small, or the same all over.
        """
        cut = patches.grid(image, self._count)
        if (cut == cut[:1]).all():
            raise InputError("the same all over: nothing to judge it by")
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            images = to_tensor(cut).to(self._device, memory_format=torch.channels_last)
            spreads = [_channels(state) for state in self._states(images)]
            fitted = self._fit(cut) if law else NO_LAW
        vector = np.concatenate([pixel_statistics.statistics(cut), *spreads])
        return Statistics(vector, *fitted)

    @torch.inference_mode()
    def _states(self, images: Tensor) -> Iterator[Tensor]:
        """(N, features, h, w) at the depths of the trunk, which is not gone through any further."""
        blocks = self._network.body
        state, passed = F.leaky_relu(self._network.conv_first(images), SLOPE), 0
        for place in sorted({round(depth * len(blocks)) for depth in DEPTHS}):
            state, passed = blocks[passed:place](state), place
            yield state

    def _fit(self, cut: NDArray[np.uint8]) -> tuple[float, float]:
        described = features.features(cut, self._law, self._device)
        pooled = laws.scores(features.gram(described), self._components)
        return laws.fit(laws.clipped(pooled, self._clip))


def _channels(state: Tensor) -> NDArray[np.float64]:
    """Log standard deviation and log moment ratio of each channel, about the mean of each patch.

    Args:
        state: (N, C, h, w) outputs of a block, all patches of a photograph.
    """
    values = state.float().flatten(2)
    centred = values - values.mean(dim=2, keepdim=True)
    variance = centred.square().mean(dim=(0, 2)) + FLOOR
    deviation = centred.abs().mean(dim=(0, 2)) + FLOOR**0.5
    stacked = torch.cat([variance.log() / 2, variance.log() - 2 * deviation.log()])
    return stacked.double().cpu().numpy()
