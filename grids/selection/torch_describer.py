"""The descriptor run by torch, for `grids.selection.describer`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from grids.backbones.srresnet import SLOPE, SRResNet
from grids.descriptors import srresnet
from grids.selection.describer import DEPTHS, Describer

# Patches that go through together.
BATCH = 16


class Depths(nn.Module):
    """The outputs of a descriptor's trunk at `DEPTHS`, which is not gone through any further."""

    def __init__(self, network: SRResNet):
        super().__init__()
        self.network = network

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:
        """From patches (N, 3, h, w) to outputs (N, C, h, w), in order and none twice."""
        blocks = self.network.body
        state, passed = F.leaky_relu(self.network.conv_first(patches), SLOPE), 0
        seen = []
        for place in sorted({round(depth * len(blocks)) for depth in DEPTHS}):
            state, passed = blocks[passed:place](state), place
            seen.append(state)
        return tuple(seen)


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
    network = srresnet.load(weights)
    # The annotation of `to` lacks the format of memory.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    depths, features = Depths(network), srresnet.describer(network, layer)

    def run(
        patches: NDArray[np.float32], law: bool
    ) -> tuple[Sequence[NDArray[np.float32]], NDArray[np.float32] | None]:
        parts = []
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
        with torch.inference_mode(), autocast:
            for part in torch.from_numpy(patches).split(BATCH):
                images = part.to(device, memory_format=torch.channels_last)
                outputs = [*depths(images), *([features(images)] if law else [])]
                parts.append([output.float().cpu().numpy() for output in outputs])
        whole = [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
        return (whole[:-1], whole[-1]) if law else (whole, None)

    return Describer(run, count=count, components=components, clip=clip)
