"""Additive white Gaussian noise, independent in each channel."""

from typing import Any

import torch
from torch import Generator, Tensor

PARAMETERS = {
    "sigma": {
        "evaluation": 50.0,
        "training": [10.0, 50.0],
        "range": [0.0, 255.0],
        "is": "standard deviation on the scale 0 … 255",
    },
}
SEVERITIES = [
    {"sigma": 5.0},
    {"sigma": 10.0},
    {"sigma": 20.0},
    {"sigma": 35.0},
    {"sigma": 50.0},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    noise = [
        torch.randn(images.shape[1:], generator=generator, device=images.device)
        * (draw["sigma"] / 255)
        for draw, generator in zip(draws, generators, strict=True)
    ]
    return images + torch.stack(noise)
