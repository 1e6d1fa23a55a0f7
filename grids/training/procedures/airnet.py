"""AirNet's training (Li et al., CVPR 2022): by contrast alone, then by L1 and contrast together.

Two crops of a photograph under one degradation are to have like codes, unlike those of the crops
before them: momentum contrast, see `grids.backbones.airnet`. In the first phase the encoder alone
learns. A batch has the degradations of its group in turn. As the encoder normalises by the means of
a batch, each process works through its share as a whole. All have the queue with the keys of all.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from grids.backbones.airnet import TEMPERATURE, AirNet, Contrast
from grids.base.errors import InputError
from grids.training.batches import Batches
from grids.training.losses import HIGHEST_L1
from grids.training.procedure import NETWORK, Contents, Phase, Procedure, Task
from grids.training.processes import ranks

NETWORKS = ["airnet"]
ONE_PART = True
WHOLE_TRAININGS = True


def build(
    network: AirNet,
    task: Task,
    *,
    contrast_share: float = 0.1,
    contrast_weight: float = 0.1,
    batches_remembered: int = 256,
) -> Procedure:
    """The network and what its contrast needs.

    Args:
        network: AirNet, without its contrast.
        task: what is trained for.
        contrast_share: share of the steps that are by contrast alone.
        contrast_weight: of the contrast beside L1 in the steps after them.
        batches_remembered: how many batches' codes are in the queue.

    Raises:
        InputError: the share is all.
    """
    if contrast_share >= 1:
        raise InputError(f"procedures.airnet.contrast_share: must be below 1, got {contrast_share}")
    contrast = Contrast(network.E.E.encoder_q, batches_remembered * task.batch)
    change = round(contrast_share * task.iterations)
    device = next(network.parameters()).device
    return Contrasting(network, contrast.to(device), change, contrast_weight)


class Contrasting(Procedure):
    """Contrast up to the step `change`, from there L1 + `weight` · contrast."""

    def __init__(self, network: AirNet, contrast: Contrast, change: int, weight: float):
        # Of codes of length 1, no logit is further from another.
        highest = 2 / TEMPERATURE + math.log(1 + contrast.queue.shape[1])
        first = Phase({NETWORK: self._contrast}, highest, frozen=(network.R,))
        further = {"contrast": contrast}
        super().__init__(network, first, further, Contents(in_turn=True, second=True))
        self.second = Phase({NETWORK: self._restoring}, HIGHEST_L1 + weight * highest)
        self.contrast, self.change, self.weight = contrast, change, weight

    def phase(self, step: int) -> Phase:
        return self.first if step < self.change else self.second

    def begin(self, step: int, batches: Batches) -> None:
        self.contrast.follow()

    def finish(self, step: int) -> None:
        self.contrast.remember(ranks.gathered(self.codes))

    def _contrast(self, model: AirNet, source: Tensor, target: Tensor, second: Tensor) -> Tensor:
        return self._compared(model, source, second)[1]

    def _restoring(self, model: AirNet, source: Tensor, target: Tensor, second: Tensor) -> Tensor:
        guide, contrast = self._compared(model, source, second)
        return F.l1_loss(model.R(source, guide).float(), target) + self.weight * contrast

    def _compared(self, model: AirNet, source: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """The guide for the restorer, and the contrast's loss."""
        guide, codes = model.E.E.encoder_q(source)
        with torch.no_grad():
            self.codes = self.contrast.encoder_k(second)[1].float()
        logits = self.contrast.logits(codes.float(), self.codes).float()
        # Its own key is the first.
        own = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        return guide, F.cross_entropy(logits, own)
