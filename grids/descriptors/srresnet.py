"""Deep degradation representations: features of a ×4 SRResNet (Liu et al., DDR; SRGA, TPAMI 2023).

A descriptor is a function from patches to features. This one takes the deepest features of a
network trained with L1 on plain bicubic super-resolution.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from grids.backbones.srresnet import SLOPE, SRResNet
from grids.base.errors import InputError
from grids.models import weights

SCALE = 4
Layer = Literal["hr", "hr_activated", "trunk"]
Describe = Callable[[Tensor], Tensor]


def network(features: int, blocks: int, global_residual: bool) -> SRResNet:
    """The ×4 super-resolver; SRGA uses 64 features, 16 blocks and no global residual."""
    return SRResNet(features, blocks, SCALE, global_residual)


def load(path: Path) -> SRResNet:
    """A network from its weights, its size read off them: own files or BasicSR's MSRResNet.

    Raises:
        InputError: the file is broken or holds another network.
    """
    state = weights.read(path)
    if "conv_first.weight" not in state:
        raise InputError(f"{path}: no 'conv_first.weight'; expected a ×4 SRResNet (MSRResNet)")
    features = state["conv_first.weight"].shape[0]
    blocks = len({name.split(".")[1] for name in state if name.startswith("body.")})
    # The residual adds no parameter and does not touch the features: either value fits.
    model = network(features, blocks, global_residual=False)
    weights.fill(model, state, path)
    return model.eval()


def describer(model: SRResNet, layer: Layer = "hr") -> Describe:
    """The function from patches (N, 3, h, w) in [0, 1] to features (N, D), float32.

    Args:
        model: the super-resolver.
        layer: `hr`, the HR convolution (D = features · 16 · h · w); `hr_activated`, the same
            behind its LeakyReLU; `trunk`, the end of the residual blocks (D = features · h · w).
    """
    layers = {
        "hr": model.hr,
        "hr_activated": lambda patches: F.leaky_relu(model.hr(patches), SLOPE),
        "trunk": model.trunk,
    }

    @torch.inference_mode()
    def describe(patches: Tensor) -> Tensor:
        return layers[layer](patches).flatten(1)

    return describe
