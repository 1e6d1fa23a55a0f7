"""The rows of the whole Table 1: systems, and what keeps them from being compared with the paper's.

Without what draws and calculates, since the workflow asks at its start which rows there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grids.report import paper

# What the rows of a network's own models are called, by those of `grids.report.table1`.
KINDS = {"single": "single-task", "mix": "mix of all", "grouped": "GRIDS"}
NAMES = {"srresnet": "SRResNet", "restormer": "Restormer"}

MARKS = {
    "scale": "other sizes of the network, steps, batches or crops than published",
    "data": "other photographs, told by their number, or other degradations to train on",
    "weights": "trained here and released there, or the other way round",
}


@dataclass(frozen=True)
class Row:
    """A system of the table.

    Attributes:
        name: what its row is called.
        backbone: entry of `backbones`.
        paper: its row of `grids.report.paper.TABLE1`; empty: none.
        released: whether its weights are those of a file.
        sized: whether its network has the published size.
        training: `iterations`, `batch` and `patch` of its trainings; empty where it is not trained.
        own: degradations that it is trained on where they are not those of the table.
        kind: of a network's own models a key of `KINDS`.
    """

    name: str
    backbone: str
    paper: str = ""
    released: bool = False
    sized: bool = True
    training: Mapping[str, int] | None = None
    own: Sequence[str] = ()
    kind: str = ""

    def differences(self, photographs: Mapping[str, int], test_set: str) -> list[str]:
        """What keeps it from being compared with the paper's row, keys of `MARKS`.

        Args:
            photographs: how many each image set has, `train` among them.
            test_set: what it was measured on.
        """
        if not self.paper:
            return []
        other_training = self.training is not None and self.training != paper.PROTOCOL
        other_photographs = photographs[test_set] != paper.TESTED_ON or (
            self.training is not None and photographs["train"] != paper.TRAINED_ON
        )
        found = {
            "scale": not self.sized or other_training,
            "data": other_photographs or bool(self.own),
            "weights": self.released != paper.TABLE1[self.paper].released,
        }
        return [mark for mark, differs in found.items() if differs]


def own_rows(backbone: str, network: str, **facts: Any) -> list[Row]:
    """The rows of a network's single-task models, mix of all and groups.

    Args:
        backbone: entry of `backbones`.
        network: its module.
        facts: further fields of each `Row`.
    """
    name = NAMES.get(network, network)
    shown = name if backbone == network else backbone
    return [
        Row(
            name=f"{shown}, {words}",
            backbone=backbone,
            paper=f"{name} {kind}" if f"{name} {kind}" in paper.TABLE1 else "",
            kind=kind,
            **facts,
        )
        for kind, words in KINDS.items()
    ]
