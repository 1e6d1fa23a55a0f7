"""Between 8-bit arrays (…, height, width, 3) and float tensors (…, 3, height, width) in [0, 1]."""

import numpy as np
import torch
from torch import Tensor


def to_tensor(pixels: np.ndarray) -> Tensor:
    """uint8 → float32, divided by 255."""
    return torch.from_numpy(np.array(pixels)).movedim(-1, -3).contiguous().float().div(255)


def to_bytes(images: Tensor) -> np.ndarray:
    """Clamped to [0, 1], times 255, rounded to uint8."""
    rounded = images.detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return rounded.movedim(-3, -1).contiguous().cpu().numpy()
