"""Isotropic Gaussian blur with a truncated kernel."""

from typing import Any

import numpy as np
from torch import Generator, Tensor

from grids.pixels.filters import convolve

PARAMETERS = {
    "sigma": {
        "evaluation": 3.0,
        "training": [2.0, 4.0],
        "range": [0.1, 100.0],
        "is": "standard deviation in pixels",
    },
    "size": {
        "evaluation": 15,
        "training": 15,
        "range": [3, 31],
        "is": "side of the kernel in pixels, odd (an even one is enlarged by one)",
    },
}
SEVERITIES = [
    {"sigma": 0.5, "size": 31},
    {"sigma": 1.0, "size": 31},
    {"sigma": 2.0, "size": 31},
    {"sigma": 4.0, "size": 31},
    {"sigma": 8.0, "size": 31},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    # The largest kernel of the batch frames all: a size may be a range.
    half = max(draw["size"] // 2 for draw in draws)
    lines = [_line(draw["sigma"], draw["size"] // 2, half) for draw in draws]
    # The kernel is separable: two passes of 15 products instead of one of 225.
    rows = convolve(images, [line[None] for line in lines])
    return convolve(rows, [line[:, None] for line in lines])


def _line(sigma: float, half: int, frame: int) -> np.ndarray:
    x = np.arange(-frame, frame + 1)
    weights = np.where(np.abs(x) <= half, np.exp(-(x**2) / (2 * sigma**2)), 0)
    normed: np.ndarray = weights / weights.sum()
    return normed
