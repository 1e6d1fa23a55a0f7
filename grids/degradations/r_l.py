"""Artefacts of Richardson–Lucy deconvolution with a box as the point spread function.

The first iteration from a constant start is a plain box filter inside the image; more sharpen. The
image is framed by a ramp to zero, which leaves a dark border, as in the public generators.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

PARAMETERS = {
    "iterations": {
        "evaluation": 1,
        "training": 1,
        "range": [1, 50],
        "is": "Richardson–Lucy iterations",
    },
    "size": {
        "evaluation": 5,
        "training": 5,
        "range": [3, 15],
        "is": "side of the box in pixels, odd (an even one is enlarged by one)",
    },
}
SEVERITIES = [
    {"size": 3},
    {"size": 5},
    {"size": 7},
    {"size": 9},
    {"size": 11},
]
FRAME = 7
EPSILON = 1e-12
START = 0.5


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    framed = _ramped(images)
    deconvolved = [
        _deconvolve(image[None], **draw) for image, draw in zip(framed, draws, strict=True)
    ]
    return torch.cat(deconvolved)[..., FRAME:-FRAME, FRAME:-FRAME]


def _ramped(images: Tensor) -> Tensor:
    """Repeats the edges outwards, falling linearly to zero."""
    framed = F.pad(images, (FRAME,) * 4, mode="replicate")
    fall = torch.arange(FRAME, device=images.device) / FRAME
    for axis in (-2, -1):
        inside = torch.ones(images.shape[axis], device=images.device)
        ramp = torch.cat([fall, inside, fall.flip(0)])
        framed = framed * (ramp[:, None] if axis == -2 else ramp)
    return framed


def _deconvolve(image: Tensor, iterations: int, size: int) -> Tensor:
    def box(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, size | 1, stride=1, padding=size // 2)

    estimate = torch.full_like(image, START)
    for _ in range(iterations):
        estimate = estimate * box(image / (box(estimate) + EPSILON))
    return estimate
