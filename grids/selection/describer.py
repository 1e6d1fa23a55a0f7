"""Measures the statistics of a photograph: by its pixels, and its law with the descriptor."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.descriptors import srresnet
from grids.selection import patches, pixel_statistics
from grids.selection.statistics import Statistics
from grids.similarity import features
from grids.similarity import law as laws

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
        return Statistics(pixel_statistics.statistics(cut), *(self._fit(cut) if law else NO_LAW))

    def _fit(self, cut: NDArray[np.uint8]) -> tuple[float, float]:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            described = features.features(cut, self._law, self._device)
        pooled = laws.scores(features.gram(described), self._components)
        return laws.fit(laws.clipped(pooled, self._clip))
