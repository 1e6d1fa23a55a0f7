"""How often each member of a group is drawn, by how far it is behind its single-task model.

The rule is that of DoReMi (Xie et al., NeurIPS 2023), which draws more of what is furthest behind a
reference model, with the single-task models as references. Of each member, d is the validation PSNR
of its single-task model at the same step minus that of the group's, on the same patches, smoothed
over the validations; its share is in proportion to exp((d − mean of d) / `TEMPERATURE`), from
1 / `MOST` to `MOST`. So all members may be behind, or ahead: what is between them decides.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from grids.base.errors import InputError
from grids.training.batches import Batch

TEMPERATURE = 0.5
"""Decibels between two members by which one is drawn e times as often."""
MOST = 2.0
"""Before shares are made to sum up to 1, so that two differ by its square at most."""
NEW = 0.5
"""Weight of a validation beside those before, which start with nobody behind."""


class Reference(NamedTuple):
    """Validations of a single-task model while it was trained, as its history has them."""

    steps: list[int]
    psnr_db: list[float]
    samples: int
    """Of the fixed batch, step −1, that they were measured on."""
    seed: int
    """Of that batch."""


def reference(history: Path) -> Reference:
    """What the history of a single-task model says.

    Raises:
        InputError: it was trained without validations.
    """
    table = pd.read_parquet(history)
    rows = table.dropna(subset="validation_psnr_db")
    # One of an earlier version does not say what they were measured on.
    if rows.empty or not table.attrs:
        raise InputError(
            f"{history}: there are no validations for training.weights: auto to follow; delete its "
            "folder, so that it is trained with execution.validation above 0"
        )
    steps, psnr = rows["step"].tolist(), rows["validation_psnr_db"].tolist()
    return Reference(steps, psnr, table.attrs["validation"], table.attrs["seed"])


class Proportions(nn.Module):
    """The shares of a training; they are part of its checkpoints.

    Args:
        references: of each member.
        validations: of each member alone, the batch that its reference was measured on.
    """

    name = "proportions"
    behind: Tensor

    def __init__(self, references: Mapping[str, Reference], validations: Mapping[str, Batch]):
        super().__init__()
        self.references = {name: references[name] for name in sorted(references)}
        self.validations = [validations[name] for name in self.references]
        followed = json.dumps(self.references).encode()
        self.about = {"references": hashlib.sha256(followed).hexdigest()[:16]}
        self.register_buffer("behind", torch.zeros(len(references), dtype=torch.float64))

    def shares(self) -> dict[str, float]:
        """Of each member, with a sum of 1."""
        further = (self.behind - self.behind.mean()) / TEMPERATURE
        weights = further.exp().clamp(1 / MOST, MOST)
        return self._by_name((weights / weights.sum()).tolist())

    def decibels(self) -> dict[str, float]:
        """How far each member is behind its single-task model, smoothed."""
        return self._by_name(self.behind.tolist())

    def follow(self, step: int, psnr_db: Tensor) -> None:
        """Takes in a validation.

        Args:
            step: steps done.
            psnr_db: (members,) in float64, of the network that is trained.
        """
        single = [np.interp(step, told.steps, told.psnr_db) for told in self.references.values()]
        self.behind += NEW * (torch.tensor(single) - psnr_db - self.behind)

    def _by_name(self, values: list[float]) -> dict[str, float]:
        return dict(zip(self.references, values, strict=True))
