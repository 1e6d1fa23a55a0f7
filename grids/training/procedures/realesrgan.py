"""Real-ESRGAN (Wang et al., 2021): L1 first, then against a discriminator as well.

In the second phase the network minimizes a sum: L1; how unreal a U-Net discriminator finds what it
restores; and the distance in the features of a VGG19, where the user has its weights. Beside it the
discriminator learns to tell originals from what was restored. As published but for the targets,
which are not sharpened, the average of weights, which is not taken, and what is one recipe for all
procedures here: optimizer, schedule, batches.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from grids.base.errors import InputError
from grids.training.batches import Batches
from grids.training.discriminator import UNetDiscriminator
from grids.training.losses import HIGHEST_L1, l1
from grids.training.perceptual import PerceptualDistance
from grids.training.procedure import NETWORK, Phase, Procedure, Task

FILES = ["vgg"]
WHOLE_TRAININGS = True


def build(
    network: nn.Module,
    task: Task,
    *,
    l1_share: float = 0.7,
    l1_weight: float = 1.0,
    gan_weight: float = 0.1,
    perceptual_weight: float = 1.0,
    features: int = 64,
    vgg: str = "",
) -> Procedure:
    """The network and its discriminator.

    Args:
        network: any that maps images to images.
        task: what is trained for.
        l1_share: share of the steps that are by L1 alone.
        l1_weight, gan_weight, perceptual_weight: in the sum of the second phase.
        features: channels of the discriminator.
        vgg: file with the weights of VGG19, by torchvision's names; empty: no perceptual term.

    Raises:
        InputError: the share is all, or the file holds something else.
    """
    if l1_share >= 1:
        raise InputError(f"procedures.realesrgan.l1_share: must be below 1, got {l1_share}")
    device = next(network.parameters()).device
    if not vgg:
        task.say("procedures.realesrgan.vgg: not given, so there is no perceptual term")
    return Adversarial(
        network,
        UNetDiscriminator(features).to(device),
        PerceptualDistance(Path(vgg)).to(device) if vgg else None,
        change=round(l1_share * task.iterations),
        weights=(l1_weight, gan_weight, perceptual_weight),
    )


class Adversarial(Procedure):
    """L1 up to the step `change`, from there the weighted sum and the discriminator."""

    def __init__(
        self,
        network: nn.Module,
        discriminator: UNetDiscriminator,
        distance: PerceptualDistance | None,
        change: int,
        weights: tuple[float, float, float],
    ):
        first = Phase({NETWORK: l1}, HIGHEST_L1)
        super().__init__(network, first, {"discriminator": discriminator})
        losses = {NETWORK: self._restoring, "discriminator": self._telling}
        # Against a discriminator no loss is beyond measure.
        self.second = Phase(losses, highest_loss=float("inf"))
        self.discriminator, self.distance = discriminator, distance
        self.change, self.weights = change, weights

    def phase(self, step: int) -> Phase:
        return self.first if step < self.change else self.second

    def begin(self, step: int, batches: Batches) -> None:
        if step >= self.change:
            self.discriminator.iterate()

    def _restoring(self, model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
        l1_weight, gan_weight, perceptual_weight = self.weights
        restored = model(source).float()
        # What the discriminator is shown next.
        self.restored = restored.detach()
        as_it_is = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
        real = functional_call(self.discriminator, as_it_is, restored).float()
        loss = l1_weight * F.l1_loss(restored, target) + gan_weight * F.softplus(-real).mean()
        if self.distance:
            loss = loss + perceptual_weight * self.distance(restored, target)
        return loss

    def _telling(self, model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
        """Cross entropy of originals and, of the same size, of what the network just restored."""
        original, restored = model(torch.cat([target, self.restored])).float().chunk(2)
        return F.softplus(-original).mean() + F.softplus(restored).mean()
