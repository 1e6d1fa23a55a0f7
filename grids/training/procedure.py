"""What the training loop asks of a procedure: how a network is trained (docs/extending.md).

A procedure says what a step minimizes, by which networks, and what changes over a training. The
loop has the rest: batches, precision, rates, several processes, checkpoints, divergence.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn

from grids.training.batches import Batches

NETWORK = "network"
"""What the network that a training is for is called among those of its procedure."""

Loss = Callable[..., Tensor]
"""The loss, a scalar, of (model, *batch): a share of a step's batch, or all of it.

`model` is the network that it trains, perhaps compiled; other networks of the procedure are used as
they are, and none of their weights may get a gradient. It is called under autocast where the
training is in bfloat16, so it turns what networks return into float32 first. It changes no state
but statistics of batches: it may be tried.
"""


class Task(NamedTuple):
    """What a procedure is told of a training."""

    iterations: int
    batch: int
    say: Callable[[str], None]
    """Takes lines."""
    degradations: Sequence[str] = ()
    """Those of the group, as batches number them."""


class Contents(NamedTuple):
    """What the samples of a procedure's batches are."""

    in_turn: bool = False
    """The degradations of the group in turn, instead of drawn by `training.weights`."""
    second: bool = False
    """Behind input and target, (samples, 3, height, width) again: another crop of each photograph,
    degraded by the same numbers, with noise of its own."""
    alone: int = 0
    """Steps from the first whose samples all have one degradation, drawn for each step by
    `training.weights`. Where there are any, a batch ends, in all steps, with (samples,) numbers of
    degradations, on the CPU."""


DRAWN = Contents()


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
    frozen: tuple[nn.Module | nn.Parameter, ...] = ()


@dataclass
class Procedure:
    """A training that minimizes the same over all its steps; others say more.

    Attributes:
        network: what the training is for.
        first: the only phase, or the first.
        further: networks, and whatever else has a state, by name, on the same device: they are part
            of the checkpoints. Those with weights have an optimizer of their own, with the
            recipe's settings.
        contents: what its batches hold.
    """

    network: nn.Module
    first: Phase
    further: Mapping[str, nn.Module] = field(default_factory=dict)
    contents: Contents = DRAWN

    def phase(self, step: int) -> Phase:
        """The phase of a step, from 0: for the same phase the same object."""
        return self.first

    def begin(self, step: int, batches: Batches) -> None:
        """Called before the losses of a step, in every process alike, on equal states.

        `batches` has any samples of any step, for a procedure that looks at more than its batch.
        """

    def finish(self, step: int) -> None:
        """Called when the weights have been updated."""


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
