"""Mean absolute error between output and target, as the paper trains (GRIDS, Section 5.1)."""

from torch import nn

from grids.training.losses import HIGHEST_L1, l1
from grids.training.procedure import NETWORK, Phase, Procedure, Task


def build(network: nn.Module, task: Task) -> Procedure:
    """The network alone, by one loss."""
    return Procedure(network, Phase({NETWORK: l1}, HIGHEST_L1))
