"""Low resolution: antialiased bicubic reduction, and bicubic enlargement to the old size."""

from typing import Any

import torch
from torch import Generator, Tensor

from grids.pixels.resampling import bicubic, bicubic_down

PARAMETERS = {
    "scale": {
        "evaluation": 2,
        "training": 2,
        "range": [2, 8],
        "is": "factor of the reduction",
    },
}
SEVERITIES = [
    {"scale": 2},
    {"scale": 3},
    {"scale": 4},
    {"scale": 6},
    {"scale": 8},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    height, width = images.shape[-2:]
    return torch.cat(
        [
            bicubic(bicubic_down(image[None], draw["scale"]), (height, width))
            for image, draw in zip(images, draws, strict=True)
        ]
    )
