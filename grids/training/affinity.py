"""Affinities between degradations, measured while one network learns all (TAG).

How far a step for one degradation helps another (Fifty et al., NeurIPS 2021, "Efficiently
Identifying Task Groupings for Multi-Task Learning"): of the weights θ before a step of the
training, with the learning rate η of that step,

    Z(i → j) = 1 − L_j(θ − η ∇L_i(θ)) / L_j(θ)

is above 0 where a step of plain gradient descent on degradation i lowers the loss of degradation j.
L_j is the training's own loss on a batch of j alone. All degradations damage the same crops; those
of a step have a stream of their own, so that the training sees none of them.

Everything is computed in float32, whatever the precision of the training: in bfloat16 the weights
before and after such a step are mostly the same.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call

from grids.training.batches import Batch, Batches
from grids.training.processes import ranks
from grids.training.processes.normalization import apart
from grids.training.watcher import Watcher

Weights = dict[str, Tensor]


class Affinities(Watcher):
    """Measures all pairs at every `every`-th step, and adds up.

    Processes that share a training share the degradations that steps are tried for.

    Args:
        batches: of each degradation alone.
        parts: samples of a batch, in the equal parts that it is worked through in.
        every: steps between two measurements.
        code: fingerprint of what measures.
    """

    name = "affinities"
    total: Tensor
    squares: Tensor
    measurements: Tensor

    def __init__(
        self, batches: Mapping[str, Batches], parts: Sequence[range], every: int, code: str
    ):
        super().__init__({"every": every, "code": code})
        self.batches, self.parts, self.every = batches, parts, every
        square = len(batches), len(batches)
        self.register_buffer("total", torch.zeros(square, dtype=torch.float64))
        self.register_buffer("squares", torch.zeros(square, dtype=torch.float64))
        self.register_buffer("measurements", torch.zeros((), dtype=torch.int64))

    def look(self, step: int, rate: float, objective: nn.Module) -> None:
        if (step + 1) % self.every:
            return
        device = next(objective.parameters()).device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            measured = self._measured(step, rate, objective, device)
        self.total += measured
        self.squares += measured.square()
        self.measurements += 1

    def seen(self) -> pd.DataFrame:
        """A row for each ordered pair, a degradation with itself among them.

        Columns: `source` (i), `target` (j), `affinity` (the mean of Z over the measurements),
        `affinity_std` (its standard error, as if measurements were independent), `measurements`.
        """
        count = int(self.measurements)
        mean = self.total / count
        variance = (self.squares - count * mean.square()).clamp(min=0) / (count - 1)
        error = (variance / count).sqrt()
        names = list(self.batches)
        rows = [
            (source, target, float(mean[i, j]), float(error[i, j]), count)
            for i, source in enumerate(names)
            for j, target in enumerate(names)
        ]
        columns = ["source", "target", "affinity", "affinity_std", "measurements"]
        return pd.DataFrame(rows, columns=columns)

    def _measured(
        self, step: int, rate: float, objective: nn.Module, device: torch.device
    ) -> Tensor:
        """Z from row to column, in float64 on the CPU."""
        alone = self.batches.values()
        batches = [[_laid_out(of(step, part)) for part in self.parts] for of in alone]
        rows = torch.zeros(len(batches), len(batches), dtype=torch.float64, device=device)
        with apart():
            now = _losses(objective, {}, batches)
            for i in range(ranks.rank(), len(batches), ranks.count()):
                ahead = _stepped(objective, batches[i], rate)
                rows[i] = 1 - _losses(objective, ahead, batches) / now
        # Of each row all processes but one have zeros.
        return ranks.mean(rows).cpu() * ranks.count()


def _laid_out(batch: Batch) -> Batch:
    """As the training's own batches lie in memory."""
    source, *others = batch
    return source.contiguous(memory_format=torch.channels_last), *others


@torch.no_grad()
def _losses(objective: nn.Module, weights: Weights, batches: Sequence[Sequence[Batch]]) -> Tensor:
    """The loss of each batch with other weights, (batches,) in float64."""
    return torch.stack(
        [torch.stack([_loss(objective, weights, part) for part in parts]) for parts in batches]
    ).mean(1)


def _stepped(objective: nn.Module, parts: Sequence[Batch], rate: float) -> Weights:
    """The weights that learn after a step of gradient descent on a batch."""
    learning = {n: weight for n, weight in objective.named_parameters() if weight.requires_grad}
    ahead = {name: weight.detach().clone() for name, weight in learning.items()}
    for part in parts:
        loss = _loss(objective, {}, part) / len(parts)
        # Nothing is left in the weights' own gradients; a weight that is not used has none.
        slopes = torch.autograd.grad(loss, list(learning.values()), materialize_grads=True)
        for weight, slope in zip(ahead.values(), slopes, strict=True):
            weight -= rate * slope
    return ahead


def _loss(objective: nn.Module, weights: Weights, batch: Batch) -> Tensor:
    # Normalisations write the statistics of a batch into copies.
    copies = {name: buffer.clone() for name, buffer in objective.named_buffers()}
    loss: Tensor = functional_call(objective, {**copies, **weights}, batch)
    return loss.double()
