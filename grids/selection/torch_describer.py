"""The descriptor run by torch, for `grids.selection.describer`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grids.descriptors import srresnet
from grids.selection.describer import DEPTHS, Describer

# Patches that go through together.
BATCH = 16


class Depths(nn.Module):
    """The outputs of a descriptor's trunk at `DEPTHS`, and the features of a layer behind them.

    Args:
        weights: the descriptor's file.
        layer: the features' (see `grids.descriptors.srresnet`).
    """

    def __init__(self, weights: Path, layer: srresnet.Layer):
        super().__init__()
        self.network = network = srresnet.load(weights)
        self._describe = srresnet.describer(network, layer)
        self._seen: dict[int, Tensor] = {}
        blocks = len(network.body)
        network.body[0].register_forward_pre_hook(lambda block, inputs: self._see(0, inputs[0]))
        for place in sorted({round(depth * blocks) for depth in DEPTHS[1:]} - {0}):
            network.body[place - 1].register_forward_hook(
                lambda block, inputs, output, place=place: self._see(place, output)
            )

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:
        """From patches (N, 3, h, w): the outputs (N, C, h, w) in order, the features (N, D)."""
        features = self._describe(patches)
        return *self._places(), features

    def trunk(self, patches: Tensor) -> tuple[Tensor, ...]:
        """Without the features, which take most of the time."""
        self.network.trunk(patches)
        return self._places()

    def _places(self) -> tuple[Tensor, ...]:
        return tuple(self._seen[place] for place in sorted(self._seen))

    def _see(self, place: int, output: Tensor) -> None:
        self._seen[place] = output


def describer(
    weights: Path,
    device: torch.device,
    precision: str,
    *,
    layer: srresnet.Layer,
    count: int,
    components: int,
    clip: float,
) -> Describer:
    """What measures photographs with a descriptor.

    Args:
        weights: the descriptor's file.
        device: where it runs.
        precision: `fp32`, or `bf16` for products in bfloat16.
        layer: features that the law is fitted to (see `grids.descriptors.srresnet`).
        count, components, clip: see `grids.selection.describer.Describer`.
    """
    depths = Depths(weights, layer)
    # The annotation of `to` lacks the format of memory.
    depths.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(
        patches: NDArray[np.float32], law: bool
    ) -> tuple[Sequence[NDArray[np.float32]], NDArray[np.float32] | None]:
        parts = []
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
        with torch.inference_mode(), autocast:
            for part in torch.from_numpy(patches).split(BATCH):
                outputs = (depths if law else depths.trunk)(part.to(device))
                parts.append([output.float().cpu().numpy() for output in outputs])
        *seen, last = (np.concatenate(outputs) for outputs in zip(*parts, strict=True))
        return (seen, last) if law else ([*seen, last], None)

    return Describer(run, count=count, components=components, clip=clip)
