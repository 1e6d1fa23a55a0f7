"""Haze of one depth: I = J·t + A·(1 − t) (Koschmieder's law).

Not one of the paper's eleven: its case of a degradation that no group was trained on.
"""

from typing import Any

import torch
from torch import Generator, Tensor

PARAMETERS = {
    "transmission": {
        "evaluation": 0.5,
        "training": [0.3, 0.8],
        "range": [0.01, 1.0],
        "is": "share t of the scene's light that arrives",
    },
    "airlight": {
        "evaluation": 0.9,
        "training": [0.7, 1.0],
        "range": [0.0, 1.0],
        "is": "brightness A of the haze",
    },
}
SEVERITIES = [
    {"transmission": 0.9},
    {"transmission": 0.75},
    {"transmission": 0.6},
    {"transmission": 0.45},
    {"transmission": 0.3},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    t, airlight = (
        torch.tensor([draw[name] for draw in draws], device=images.device)[:, None, None, None]
        for name in ("transmission", "airlight")
    )
    return images * t + airlight * (1 - t)
