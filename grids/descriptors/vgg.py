"""Features of VGG19 (Simonyan and Zisserman, 2015), as Table 2b of the paper compares them.

Parameters have torchvision's names, so that its weights fit. Where there are none, `Colorizer`
trains them on photographs alone: a network of random weights says nothing.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from grids.base.errors import InputError
from grids.models import weights

# Convolutions and channels of each block; a maximum over 2×2 stands between two of them.
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
STRIDE = 16
# Of the photographs that torchvision's weights were trained on.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# What stands beside the features in a file: the classifier, or the head of the training.
BESIDE = ("classifier.", "head.")

Describe = Callable[[Tensor], Tensor]


def _layers() -> tuple[list[nn.Module], dict[str, int]]:
    """The layers up to relu5_4, and the place of each activation among them."""
    layers: list[nn.Module] = []
    places: dict[str, int] = {}
    channels = 3
    for block, (convolutions, width) in enumerate(BLOCKS, start=1):
        if block > 1:
            layers.append(nn.MaxPool2d(2))
        for number in range(1, convolutions + 1):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            places[f"relu{block}_{number}"] = len(layers) - 1
            channels = width
    return layers, places


class Vgg19(nn.Module):
    """The convolutions of VGG19 up to relu5_4, of images in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        layers, self.places = _layers()
        self.features = nn.Sequential(*layers)

    def until(self, x: Tensor, layer: str) -> Tensor:
        """Activations (B, C, h / s, w / s) of a layer, for images (B, 3, h, w)."""
        mean, std = (x.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        activations: Tensor = self.features[: self.places[layer] + 1]((x - mean) / std)
        return activations

    def forward(self, x: Tensor) -> Tensor:
        return self.until(x, "relu5_4")


class Colorizer(Vgg19):
    """VGG19 that learns to give photographs their colours back (Zhang et al., 2016, with L1).

    It must see what is shown to know its colour, and needs no labels. From the deepest features a
    1×1 convolution gives what is added to the grey image, 16×16 pixels at a place.
    """

    def __init__(self) -> None:
        super().__init__()
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.head = nn.Conv2d(BLOCKS[-1][1], 3 * STRIDE**2, 1)
        nn.init.normal_(self.head.weight, std=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Colours of grey images (B, 3, h, w), whose sides are multiples of 16."""
        return x + nn.functional.pixel_shuffle(self.head(super().forward(x)), STRIDE)


def load(path: Path) -> Vgg19:
    """The features from a file: torchvision's VGG19, with or without its classifier, or our own.

    Raises:
        InputError: the file is broken or holds another network.
    """
    state = weights.read(path)
    if "features.0.weight" not in state:
        raise InputError(f"{path}: no 'features.0.weight'; expected torchvision's VGG19")
    model = Vgg19()
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(BESIDE)}
    weights.fill(model, kept, path)
    return model.eval()


def describer(model: Vgg19, layer: str = "relu5_4") -> Describe:
    """The function from patches (N, 3, h, w) in [0, 1] to features (N, D), float32.

    Args:
        model: the network.
        layer: an activation by its name, `relu1_1` to `relu5_4`; D = channels · (h / s) · (w / s),
            where s doubles from block to block, from 1 to 16.
    """

    @torch.inference_mode()
    def describe(patches: Tensor) -> Tensor:
        return model.until(patches, layer).flatten(1)

    return describe
