"""AMIRNet's training (Zhang et al., ACM MM 2023): a tree of degradations that grows meanwhile.

What the encoder predicts of a degraded image minus what it predicts of the original describes the
degradation. At stated steps the tree grows by a level: in each of its leaves two clusters of such
descriptions are found, which are leaves from then on. From then on the network is told of that
level too, and its masks learn to say which branches an image belongs to.

The authors cluster their training images. Here a sample is never seen twice, so clusters are kept
as centres, beside the encoder as it was when they were found: with both, any sample has its place.
As the encoder normalises by the means of a batch, each process works through its share as a whole.
"""

import copy
import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones.amirnet import BRANCHES, AMIRNet, Describer
from grids.base.errors import InputError
from grids.training.batches import Batch, Batches
from grids.training.losses import HIGHEST_L1, filled_up, structural_similarity
from grids.training.procedure import NETWORK, Phase, Procedure, Task
from grids.training.processes import ranks

NETWORKS = ["amirnet"]
ONE_PART = True
WHOLE_TRAININGS = True

SMALL_ERROR = 0.03
"""Below it an error counts by its square."""
ROUNDS = 300
"""Of k-means, which ends far earlier unless rounding has it go in circles."""


def build(
    network: AMIRNet,
    task: Task,
    *,
    growth_share: float = 0.02,
    samples_clustered: int = 1024,
    tree_weight: float = 1.0,
    similarity_share: float = 0.15,
) -> Procedure:
    """The network and its tree.

    Args:
        network: AMIRNet.
        task: what is trained for.
        growth_share: share of the steps after which the tree grows by a level, again and again
            until it has those of the network; the authors', 200 of 10,000 epochs.
        samples_clustered: at least so many samples tell how.
        tree_weight: of telling branches, beside restoring.
        similarity_share: of structural similarity in restoring; the rest is a smooth L1.

    Raises:
        InputError: the tree would not grow up, or similarity has more than all.
    """
    levels = network.levels
    if growth_share * (levels - 1) >= 1:
        raise InputError(
            f"procedures.amirnet.growth_share: must be below {1 / (levels - 1):.2f} for the tree "
            f"to get its {levels} levels, got {growth_share}"
        )
    if similarity_share > 1:
        raise InputError(
            f"procedures.amirnet.similarity_share: must be 1 at most, got {similarity_share}"
        )
    tree = Tree(network.resencoder, levels).to(next(network.parameters()).device)
    return Growing(
        network,
        tree,
        every=max(1, int(growth_share * task.iterations)),
        batch=task.batch,
        looks=math.ceil(samples_clustered / task.batch),
        weights=(tree_weight, similarity_share),
    )


class Tree(nn.Module):
    """Centres of the clusters, and the encoders that they are of; those of level 1 come first.

    The root, level 0, needs neither.

    Args:
        describer: of the network.
        levels: that the tree may have.
    """

    def __init__(self, describer: Describer, levels: int):
        super().__init__()
        grown = range(1, levels)
        self.describers = nn.ModuleList(
            copy.deepcopy(describer).requires_grad_(False) for _ in grown
        )
        self.centres = nn.ParameterList(
            nn.Parameter(torch.zeros(BRANCHES[level - 1], 2, level), requires_grad=False)
            for level in grown
        )

    def train(self, mode: bool = True) -> "Tree":
        """Stays in evaluation: where a sample belongs does not depend on its batch."""
        return super().train(False)

    @torch.no_grad()
    def grow(self, level: int, describer: Describer, batches: Iterable[Batch]) -> None:
        """Finds the clusters of a level, in the leaves of those before it.

        Args:
            level: 1 or more.
            describer: as it is by now.
            batches: samples, degraded and original; each process has its share of each.
        """
        self.describers[level - 1].load_state_dict(describer.state_dict())
        labels, descriptions = [], []
        for source, target in batches:
            above = self.labels(source, target, level)
            labels.append(ranks.gathered(above[-1]))
            described = self._described(level, source, target, above)
            descriptions.append(ranks.gathered(described))
        leaf, points = torch.cat(labels), torch.cat(descriptions)
        for number, centres in enumerate(self.centres[level - 1]):
            centres.copy_(two_means(points[leaf == number]))

    @torch.no_grad()
    def labels(self, source: Tensor, target: Tensor, levels: int) -> list[Tensor]:
        """Of the first levels, the branch that each sample belongs to: (batch,) each."""
        labels = [torch.zeros(len(source), dtype=torch.long, device=source.device)]
        for level in range(1, levels):
            points = self._described(level, source, target, labels)
            centres = self.centres[level - 1][labels[-1]]
            nearest = (points[:, None] - centres).square().sum(2).argmin(1)
            labels.append(2 * labels[-1] + nearest)
        return labels

    def _described(
        self, level: int, source: Tensor, target: Tensor, labels: list[Tensor]
    ) -> Tensor:
        """(batch, level): at each level before, the prediction's difference at the own branch."""
        # Clusters are found without autocast.
        with torch.autocast(source.device.type, enabled=False):
            degraded, original = (
                self.describers[level - 1](images, level).predictions for images in (source, target)
            )
        own = [
            (one - other).gather(1, label[:, None])
            for one, other, label in zip(degraded, original, labels, strict=True)
        ]
        return torch.cat(own, 1)


def two_means(points: Tensor) -> Tensor:
    """Centres of two clusters of points (n, length), by k-means: (2, length).

    It begins with the halves below and above the mean along the axis of the largest spread. No
    points have zeros, points that are all alike one centre twice.
    """
    if not len(points):
        return points.new_zeros(2, points.shape[1])
    widest = points[:, points.var(0, correction=0).argmax()]
    upper = widest > widest.mean()
    for _ in range(ROUNDS):
        centres = torch.stack([_mean(points, ~upper), _mean(points, upper)])
        distances = (points[:, None] - centres).square().sum(2)
        before, upper = upper, distances[:, 1] < distances[:, 0]
        if torch.equal(upper, before):
            break
    return centres


def _mean(points: Tensor, chosen: Tensor) -> Tensor:
    """Of the points that are chosen, or of all where none is."""
    return (points[chosen] if chosen.any() else points).mean(0)


class Growing(Procedure):
    """Restores, and tells the branches of the levels that there are.

    Args:
        network: AMIRNet.
        tree: without levels but its root.
        every: steps between two levels.
        batch: samples of a step.
        looks: batches that are clustered, from that of the step on.
        weights: of telling branches, and of structural similarity against L1.
    """

    def __init__(
        self,
        network: AMIRNet,
        tree: Tree,
        every: int,
        batch: int,
        looks: int,
        weights: tuple[float, float],
    ):
        self.levels, self.every, self.batch, self.looks = network.levels, every, batch, looks
        self.tree_weight, self.similarity_share = weights
        # Masks are in (0, 1), so that none is more than 1 below another.
        telling = sum(1 + math.log(count) for count in BRANCHES[1 : self.levels])
        highest = HIGHEST_L1 + self.similarity_share + self.tree_weight * telling
        self.phases = [
            Phase({NETWORK: self._loss}, highest, frozen=tuple(network.beyond(level)))
            for level in range(1, self.levels + 1)
        ]
        super().__init__(network, self.phases[0], {"tree": tree})
        self.amirnet, self.tree = network, tree
        network.levels = 1

    def phase(self, step: int) -> Phase:
        return self.phases[min(step // self.every, self.levels - 1)]

    def begin(self, step: int, batches: Batches) -> None:
        level, since = divmod(step, self.every)
        self.amirnet.levels = min(level + 1, self.levels)
        if not since and 0 < level < self.levels:
            (own,) = ranks.shares(self.batch, accumulation=1)
            made = (batches(step + i, own) for i in range(self.looks))
            self.tree.grow(level, self.amirnet.resencoder, made)

    def _loss(self, model: AMIRNet, source: Tensor, target: Tensor) -> Tensor:
        height, width = target.shape[-2:]
        restored, said = model.explained(filled_up(source, model.multiple))
        restored = restored[..., :height, :width].float()
        share = self.similarity_share
        loss = (1 - share) * F.smooth_l1_loss(restored, target, beta=SMALL_ERROR)
        loss = loss + share * (1 - structural_similarity(restored, target))
        for mask, label in zip(
            said.masks, self.tree.labels(source, target, len(said.masks)), strict=True
        ):
            loss = loss + self.tree_weight * F.cross_entropy(mask.float(), label)
        return loss
