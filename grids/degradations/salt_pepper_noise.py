"""Salt-and-pepper noise: some pixels become white or black, all channels together."""

from typing import Any

import torch
from torch import Generator, Tensor

PARAMETERS = {
    "amount": {
        "evaluation": 0.05,
        "training": 0.05,
        "range": [0.0, 1.0],
        "is": "share of the pixels; half become white, half black",
    },
}
SEVERITIES = [
    {"amount": 0.01},
    {"amount": 0.03},
    {"amount": 0.05},
    {"amount": 0.07},
    {"amount": 0.1},
]


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    size = images.shape[-2:]
    chance = torch.stack([torch.rand(size, generator=g, device=g.device) for g in generators])
    amount = torch.tensor([draw["amount"] for draw in draws], device=images.device)[:, None, None]
    salt, pepper = chance < amount / 2, chance > 1 - amount / 2
    return images.masked_fill(salt[:, None], 1.0).masked_fill(pepper[:, None], 0.0)
