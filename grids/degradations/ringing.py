"""Ringing: an ideal circular low-pass filter, cut to a small kernel (Real-ESRGAN's sinc filter)."""

from typing import Any

import numpy as np
from scipy.special import j1
from torch import Generator, Tensor

from grids.pixels.filters import convolve

PARAMETERS = {
    "cutoff": {
        "evaluation": 1.2,
        "training": 1.2,
        "range": [0.1, 3.14],
        "is": "cutoff frequency in rad a pixel",
    },
    "size": {
        "evaluation": 15,
        "training": 15,
        "range": [7, 21],
        "is": "side of the kernel in pixels, odd (an even one is enlarged by one)",
    },
}
SEVERITIES = [
    {"cutoff": 2.4},
    {"cutoff": 2.0},
    {"cutoff": 1.6},
    {"cutoff": 1.2},
    {"cutoff": 0.8},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    half = max(draw["size"] // 2 for draw in draws)
    return convolve(images, [_sinc(draw["cutoff"], draw["size"] // 2, half) for draw in draws])


def _sinc(cutoff: float, half: int, frame: int) -> np.ndarray:
    x = np.arange(-half, half + 1)
    radius = np.hypot(x[:, None], x)
    with np.errstate(invalid="ignore"):
        kernel = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[half, half] = cutoff**2 / (4 * np.pi)
    return np.pad(kernel / kernel.sum(), frame - half)
