"""PSNR of the output, a patch at a time, as the authors of NAFNet train it (Chen et al., 2022)."""

import math

from torch import Tensor, nn

from grids.training.procedure import NETWORK, Phase, Procedure, Task


def build(network: nn.Module, task: Task, *, floor: float = 1e-5) -> Procedure:
    """The network alone, by how many dB the error of a patch is above a floor.

    10 log10(1 + error / floor), the mean over the patches. Up to a constant this is the negative
    PSNR, where the error is well above the floor: a patch counts by the share of its error that
    goes, however small the error is. So degradations that leave little to restore get as much of a
    group's model as those that leave much. It is never negative, as affinities and figures need it.

    Args:
        network: any that maps images to images.
        task: what is trained for.
        floor: mean squared error below which nothing is gained, so that no patch that is restored
            nearly perfectly outweighs the others. 1e-5 is that of 50 dB.
    """

    def above_floor(model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
        error = (model(source).float() - target).square().mean((1, 2, 3))
        mean: Tensor = 10 * (1 + error / floor).log10().mean()
        return mean

    # The whole range of the images: no network that learns is as far away.
    return Procedure(network, Phase({NETWORK: above_floor}, 10 * math.log10(1 + 1 / floor)))
