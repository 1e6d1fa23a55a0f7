"""Defocus: convolution with a uniform disk."""

import math
from typing import Any

import numpy as np
from torch import Generator, Tensor

from grids.pixels.filters import convolve

PARAMETERS = {
    "radius": {
        "evaluation": 3.0,
        "training": 3.0,
        "range": [0.6, 15.0],
        "is": "radius of the disk in pixels",
    },
}
SEVERITIES = [
    {"radius": 1.0},
    {"radius": 2.0},
    {"radius": 3.0},
    {"radius": 4.0},
    {"radius": 6.0},
]
SUBDIVISION = 8


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    half = max(math.ceil(draw["radius"]) for draw in draws)
    return convolve(images, [_disk(draw["radius"], half) for draw in draws])


def _disk(radius: float, half: int) -> np.ndarray:
    """Weight of each pixel: its area inside the disk, measured on a finer grid."""
    steps = (np.arange(SUBDIVISION) + 0.5) / SUBDIVISION - 0.5
    fine = (np.arange(-half, half + 1)[:, None] + steps).ravel()
    inside = (fine[:, None] ** 2 + fine**2 <= radius**2).astype(np.float64)
    side = 2 * half + 1
    area = inside.reshape(side, SUBDIVISION, side, SUBDIVISION).sum(axis=(1, 3))
    normed: np.ndarray = area / area.sum()
    return normed
