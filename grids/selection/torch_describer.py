"""What describes photographs with laws, which torch measures with the descriptor."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from grids.descriptors import srresnet
from grids.selection.describer import Describer
from grids.similarity import features


def describer(
    weights: Path,
    device: torch.device,
    precision: str,
    *,
    layer: srresnet.Layer,
    count: int,
    law: int,
    components: int,
    clip: float,
) -> Describer:
    """What measures photographs with a descriptor.

    Args:
        weights: the descriptor's file.
        device: where it runs.
        precision: `fp32`, or `bf16` for products in bfloat16.
        layer: features that the law is fitted to (see `grids.descriptors.srresnet`).
        count, law, components, clip: see `grids.selection.describer.Describer`.
    """
    network = srresnet.load(weights)
    # The annotation of `to` lacks the format of memory.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    describe = srresnet.describer(network, layer)

    def gram(patches: NDArray[np.uint8]) -> NDArray[np.float64]:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return features.gram(features.features(patches, describe, device))

    return Describer(count=count, law=law, components=components, clip=clip, gram=gram)
