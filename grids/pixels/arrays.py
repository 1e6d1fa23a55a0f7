"""Between 8-bit arrays (…, height, width, 3) and float tensors (…, 3, height, width) in [0, 1]."""

import numpy as np
import torch
from torch import Tensor


def to_tensor(pixels: np.ndarray) -> Tensor:
    """uint8 → float32, divided by 255."""
    planes = torch.from_numpy(np.array(pixels)).movedim(-1, -3)
    # One pass for the new order and the new type.
    return planes.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def to_bytes(images: Tensor) -> np.ndarray:
    """Clamped to [0, 1], times 255, rounded to uint8."""
    rounded = images.detach().clamp(0, 1).mul_(255).round_().to(torch.uint8)
    return torch.stack(rounded.unbind(-3), -1).cpu().numpy()
