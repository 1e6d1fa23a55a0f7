"""Motion blur along a line, with a half-Gaussian profile as ImageMagick's, on whole pixels."""

from typing import Any

import numpy as np
from torch import Generator, Tensor

from grids.pixels.filters import convolve

PARAMETERS = {
    "radius": {
        "evaluation": 10,
        "training": 10,
        "range": [1, 30],
        "is": "the line has 2 · radius + 1 samples",
    },
    "sigma": {
        "evaluation": 5.0,
        "training": 5.0,
        "range": [0.1, 100.0],
        "is": "standard deviation of the half-Gaussian along the line, in pixels",
    },
    "angle": {
        "evaluation": [-90.0, 90.0],
        "training": [-90.0, 90.0],
        "range": [-180.0, 180.0],
        "is": "direction of the line in degrees",
    },
}
SEVERITIES = [
    {"radius": 5, "sigma": 3.0},
    {"radius": 10, "sigma": 5.0},
    {"radius": 15, "sigma": 7.0},
    {"radius": 15, "sigma": 9.0},
    {"radius": 20, "sigma": 12.0},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    reach = 2 * max(draw["radius"] for draw in draws)
    # The edge is repeated, as in ImageMagick: the line may reach further than a patch is wide.
    return convolve(images, [_line(**draw, reach=reach) for draw in draws], padding="replicate")


def _line(radius: int, sigma: float, angle: float, reach: int) -> np.ndarray:
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    direction = np.deg2rad(angle)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    y = np.rint(steps * np.sin(direction)).astype(int)
    x = np.rint(steps * np.cos(direction)).astype(int)
    np.add.at(kernel, (reach + y, reach + x), weights / weights.sum())
    return kernel
