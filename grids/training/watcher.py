"""What may look at a training on its way, and changes nothing of it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from torch import nn


class Watcher(nn.Module):
    """What it has seen are its buffers, which are part of the checkpoints of the training.

    It leaves the weights, their gradients, statistics of batches and torch's random numbers as they
    are: with it and without a training ends the same, bit for bit on a CPU.

    Args:
        about: what it sees depends on, besides the training; JSON-able. A training whose
            checkpoints were watched by another one, or by none, begins anew.
    """

    name: str
    """Of its state, and of what it depends on, among those of a training."""

    def __init__(self, about: Mapping[str, Any]):
        super().__init__()
        self.about = {**about}

    def look(self, step: int, rate: float, objective: nn.Module) -> None:
        """Called before the losses of a step, in every process alike, on equal states.

        Args:
            step: from 0.
            rate: learning rate of the step.
            objective: the network with its loss: gives that of a batch, or of a share of one.
        """
        raise NotImplementedError

    def seen(self) -> pd.DataFrame:
        """What it has seen, for people and for other jobs."""
        raise NotImplementedError
