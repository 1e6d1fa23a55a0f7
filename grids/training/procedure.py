"""What the training loop asks of a procedure: how a network is trained (docs/extending.md).

A procedure says what a step minimizes, by which networks, and what changes over a training. The
loop has the rest: batches, precision, rates, several processes, checkpoints, divergence.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn

NETWORK = "network"
"""What the network that a training is for is called among those of its procedure."""

Loss = Callable[..., Tensor]
"""The loss, a scalar, of (model, *batch): a share of a step's batch, or all of it.

`model` is the network that it trains, perhaps compiled; other networks of the procedure are used as
they are, and none of their weights may get a gradient. It is called under autocast where the
training is in bfloat16, so it turns what networks return into float32 first. It changes no state:
it may be tried.
"""


class Task(NamedTuple):
    """What a procedure is told of a training."""

    iterations: int
    say: Callable[[str], None]
    """Takes lines."""


@dataclass(frozen=True)
class Phase:
    """Steps in a row that minimize the same.

    Attributes:
        losses: of each network that is trained, by its name, `NETWORK` first, whose loss is the one
            that is reported. All are of the weights before the step.
        highest_loss: mean of the reported loss above which a training has exploded.
        frozen: parts of the networks that stay as they are.
    """

    losses: Mapping[str, Loss]
    highest_loss: float
    frozen: tuple[nn.Module, ...] = ()


@dataclass
class Procedure:
    """A training that minimizes the same over all its steps; others say more.

    Attributes:
        network: what the training is for.
        first: the only phase, or the first.
        further: networks, and whatever else has a state, by name, on the same device: they are part
            of the checkpoints. Those with weights have an optimizer of their own, with the
            recipe's settings.
    """

    network: nn.Module
    first: Phase
    further: Mapping[str, nn.Module] = field(default_factory=dict)

    def phase(self, step: int) -> Phase:
        """The phase of a step, from 0: for the same phase the same object."""
        return self.first

    def begin(self, step: int) -> None:
        """Called before the batch of a step, in every process alike, on equal states."""


def build(name: str, network: nn.Module, task: Task, options: Mapping[str, Any]) -> Procedure:
    """The procedure of `grids/training/procedures/<name>.py` with these options.

    Args:
        name: of the module.
        network: on its device, with its first weights.
        task: what is trained for.
        options: of the module's `build`.
    """
    module = importlib.import_module(f"grids.training.procedures.{name}")
    made: Procedure = module.build(network, task, **options)
    return made
