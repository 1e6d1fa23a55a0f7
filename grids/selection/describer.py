"""Measures the statistics of a photograph with the descriptor."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grids.base.errors import InputError
from grids.descriptors import srresnet
from grids.selection import patches
from grids.selection.statistics import Statistics
from grids.similarity import features
from grids.similarity import law as laws

# The trunk at these shares of its depth gives the vector; 0 is what enters its first block.
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
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
        self._trunk = srresnet.describer(network, "trunk")
        self._device, self._bf16 = device, precision == "bf16"
        self._count, self._components, self._clip = count, components, clip
        self._seen: dict[int, list[Tensor]] = {}
        blocks = len(network.body)
        network.body[0].register_forward_pre_hook(lambda block, inputs: self._see(0, inputs[0]))
        for place in sorted({round(depth * blocks) for depth in DEPTHS[1:]} - {0}):
            network.body[place - 1].register_forward_hook(
                lambda block, inputs, output, place=place: self._see(place, output)
            )

    def __call__(self, image: NDArray[np.uint8], law: bool = True) -> Statistics:
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
        self._seen = {}
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            described = features.features(cut, self._law if law else self._trunk, self._device)
        spreads = [_channels(self._seen[place]) for place in sorted(self._seen)]
        return Statistics(np.concatenate(spreads), *(self._fit(described) if law else NO_LAW))

    def _fit(self, described: Tensor) -> tuple[float, float]:
        pooled = laws.scores(features.gram(described), self._components)
        return laws.fit(laws.clipped(pooled, self._clip))

    def _see(self, place: int, output: Tensor) -> None:
        self._seen.setdefault(place, []).append(output)


def _channels(parts: Sequence[Tensor]) -> NDArray[np.float64]:
    """Log standard deviation and log moment ratio of each channel, about the mean of each patch.

    Args:
        parts: (B, C, h, w) outputs of a block, all patches of a photograph.
    """
    values = torch.cat([part.float() for part in parts]).flatten(2)
    centred = values - values.mean(dim=2, keepdim=True)
    variance = centred.square().mean(dim=(0, 2)) + FLOOR
    deviation = centred.abs().mean(dim=(0, 2)) + FLOOR**0.5
    stacked = torch.cat([variance.log() / 2, variance.log() - 2 * deviation.log()])
    return stacked.double().cpu().numpy()
