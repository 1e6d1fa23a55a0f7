"""Shot noise: each value becomes a Poisson count of photons."""

from typing import Any

import torch
from torch import Generator, Tensor

PARAMETERS = {
    "scale": {
        "evaluation": 100.0,
        "training": 100.0,
        "range": [1.0, 100000.0],
        "is": "expected count at the value 1",
    },
}
SEVERITIES = [
    {"scale": 1000.0},
    {"scale": 300.0},
    {"scale": 100.0},
    {"scale": 30.0},
    {"scale": 10.0},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    return torch.stack(
        [
            torch.poisson(image * draw["scale"], generator=generator) / draw["scale"]
            for image, draw, generator in zip(images, draws, generators, strict=True)
        ]
    )
