"""IDR's training (Zhang et al., CVPR 2023): the keys of each task first, then how to mix them.

In the first stage all samples of a step are of one degradation, and are restored by the keys and
the route of its task. The network learns, beside, to tell tasks from one another. In the second
stage keys stay as they are, samples are mixed, and each image is restored by keys of its own, as in
use. In both the image that each level estimates is to be the original as well.

The authors' five tasks are noise, rain, haze, blur and low light. `TASKS` says which of them a
degradation is the most like by what it does to a pixel: something is added to it (noise, rain), it
is scaled or replaced (haze, low light), or it is a weighted mean of its neighbours (blur).
"""

import math
from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from grids.backbones._transformer import MULTIPLE
from grids.backbones.idr import ADDITION, CONVOLUTION, IDR, POINT, Explained, reduced
from grids.base.errors import InputError
from grids.training.losses import HIGHEST_L1, filled_up
from grids.training.procedure import NETWORK, Contents, Phase, Procedure, Task

NETWORKS = ["idr"]
WHOLE_TRAININGS = True

TASKS = {
    # Added at random.
    "gaussian_noise": 1,
    "poisson_noise": 1,
    # Added, with a pattern: what quantisation has left of the coefficients.
    "jpeg": 2,
    # Scaled and shifted.
    "haze": 3,
    # What a linear filter leaves, or makes in undoing one.
    "gaussian_blur": 4,
    "motion_blur": 4,
    "defocus_blur": 4,
    "ringing": 4,
    "r_l": 4,
    "sr": 4,
    # Pixels replaced: scaled by 0 and shifted.
    "inpainting": 5,
    "salt_pepper_noise": 5,
}
"""The task of each degradation: an entry of `backbones.idr.routes`, the first is 1."""

SMOOTHING = 0.1
"""What a label leaves to the other tasks."""


def build(
    network: IDR,
    task: Task,
    *,
    first_share: float = 0.46,
    telling_weight: float = 0.01,
    tasks: Mapping[str, int] = {},
) -> Procedure:
    """The network alone.

    Args:
        network: IDR.
        task: what is trained for.
        first_share: share of the steps that the first stage has; the authors', 550 of 1200 epochs.
        telling_weight: of telling tasks from one another, beside L1, in the first stage.
        tasks: of degradations, where they are not those of `TASKS`.

    Raises:
        InputError: the share is all; or a degradation has no task, or one that the network has not.
    """
    if first_share >= 1:
        raise InputError(f"procedures.idr.first_share: must be below 1, got {first_share}")
    known, count = TASKS | {**tasks}, len(network.degra_key)
    for name in task.degradations:
        if name not in known:
            raise InputError(
                f"procedures.idr.tasks: none for {name}; give the number of an entry of "
                f"backbones.idr.routes, as in {{{name}: 1}}"
            )
        if type(known[name]) is not int or not 1 <= known[name] <= count:
            raise InputError(
                f"procedures.idr.tasks: {known[name]!r} for {name}, but backbones.idr.routes has "
                f"the tasks 1 to {count}; give one of them"
            )
    own = [known[name] - 1 for name in task.degradations]
    return TwoStages(network, own, round(first_share * task.iterations), telling_weight)


class TwoStages(Procedure):
    """By one task's keys up to the step `change`, by mixed ones from there.

    Args:
        network: IDR.
        tasks: for each degradation of the group its task, from 0.
        change: first step of the second stage.
        weight: of telling tasks from one another.
    """

    def __init__(self, network: IDR, tasks: list[int], change: int, weight: float):
        network.degra_key.requires_grad_(True)
        # The image and, of three levels, what they estimate and tell.
        highest = 4 * HIGHEST_L1
        telling = 3 * weight * math.log(len(network.degra_key))
        first = Phase({NETWORK: self._first}, highest + telling, frozen=(network.dmixer,))
        super().__init__(network, first, contents=Contents(alone=change))
        self.second = Phase({NETWORK: self._second}, highest, frozen=(network.degra_key,))
        self.tasks, self.change, self.weight = tasks, change, weight

    def phase(self, step: int) -> Phase:
        return self.first if step < self.change else self.second

    def _first(self, model: IDR, source: Tensor, target: Tensor, numbers: Tensor) -> Tensor:
        task = self.tasks[int(numbers[0])]
        explained, loss = _restoring(model, source, target, task)
        for shares in explained.shares:
            loss = loss + self.weight * telling(shares.float(), task)
        return loss + 0 * _left_out(model, task)

    def _second(self, model: IDR, source: Tensor, target: Tensor, numbers: Tensor) -> Tensor:
        return _restoring(model, source, target, None)[1]


def _restoring(
    model: IDR, source: Tensor, target: Tensor, task: int | None
) -> tuple[Explained, Tensor]:
    """What came of the images, and L1 of all that is to be the original: the sum of the means."""
    height, width = target.shape[-2:]
    explained = model.explained(filled_up(source, MULTIPLE), task)
    loss = F.l1_loss(explained.restored[..., :height, :width].float(), target)
    whole = filled_up(target, MULTIPLE)
    for estimate in explained.estimates:
        loss = loss + F.l1_loss(estimate.float(), reduced(whole, estimate.shape[-2:]))
    return explained, loss


def telling(shares: Tensor, task: int) -> Tensor:
    """Cross entropy of the shares of the tasks with the true one, which leaves some to others.

    Args:
        shares: (batch, tasks), above 0, with a sum of 1.
        task: of all images.

    Returns:
        The mean over the batch.
    """
    others = shares.shape[1] - 1
    labels = shares.new_full(shares.shape, SMOOTHING / max(others, 1))
    labels[:, task] = 1 - SMOOTHING if others else 1.0
    # Shares so small that they are 0 have a logarithm as well.
    return -(labels * shares.clamp(min=1e-30).log()).sum(1).mean()


def _left_out(network: IDR, task: int) -> Tensor:
    """A sum of the weights of the routes that a task leaves out.

    With it they have gradients, of 0: several processes exchange those of all weights.
    """
    taken, left = network.kdp_level1.principle.routes[task], []
    for block in (network.kdp_level1, network.kdp_level2, network.kdp_level3):
        routes = block.principle
        by_route = {ADDITION: routes.addition, POINT: routes.point, CONVOLUTION: routes.convolve}
        left += [way for route, way in by_route.items() if route != taken]
    weights = (weight for way in left for weight in way.parameters() if weight.requires_grad)
    return sum((weight.sum() for weight in weights), network.degra_key.new_zeros(()))
