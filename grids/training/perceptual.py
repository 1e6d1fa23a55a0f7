"""The perceptual distance of Real-ESRGAN, by a VGG19 that the user has (Johnson et al., 2016)."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.models import weights

WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)
"""Channels of VGG19's convolutions, each with a ReLU behind it; 0: a maximum over 2²."""
LAYERS = {2: 0.1, 7: 0.1, 16: 1.0, 25: 1.0, 34: 1.0}
"""Weights of conv1_2, conv2_2, conv3_4, conv4_4 and conv5_4, before the ReLU, by their numbers."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PerceptualDistance(nn.Module):
    """Mean absolute difference of features, over the layers, of images (batch, 3, h, w) in [0, 1].

    It does not learn. With torchvision's names of parameters.

    Args:
        path: weights of VGG19 as torchvision has them; the classifier is not needed.

    Raises:
        InputError: the file is broken or holds another network.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, path: Path):
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in WIDTHS:
            if width:
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            else:
                layers.append(nn.MaxPool2d(2))
        # The last ReLU is behind the last layer that counts.
        self.features = nn.Sequential(*layers[:-1])
        state = weights.read(path).items()
        weights.fill(self, {name: x for name, x in state if name.startswith("features.")}, path)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self._described(targets)
        described = self._described(images)
        return torch.stack(
            [
                weight * F.l1_loss(own.float(), other.float())
                for own, other, weight in zip(described, wanted, LAYERS.values(), strict=True)
            ]
        ).sum()

    def _described(self, images: Tensor) -> list[Tensor]:
        x, found = (images - self.mean) / self.deviation, []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in LAYERS:
                found.append(x)
        return found
