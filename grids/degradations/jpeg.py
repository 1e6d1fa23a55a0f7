"""JPEG compression by the real codec, with halved chroma resolution (4:2:0)."""

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from grids.pixels.arrays import to_bytes

PARAMETERS = {
    "quality": {
        "evaluation": 10,
        "training": [10, 40],
        "range": [1, 100],
        "is": "the codec's quality",
    },
}
SEVERITIES = [
    {"quality": 80},
    {"quality": 40},
    {"quality": 20},
    {"quality": 10},
    {"quality": 5},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    coded = [
        _coded(pixels, draw["quality"])
        for pixels, draw in zip(to_bytes(images), draws, strict=True)
    ]
    return torch.from_numpy(np.stack(coded)).movedim(-1, -3).to(images.device)


def _coded(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer))
