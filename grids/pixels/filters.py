"""Convolution of images, each with its own kernel."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def convolve(images: Tensor, kernels: list[np.ndarray], padding: str = "reflect") -> Tensor:
    """Each image (3, h, w) of a batch convolved with its kernel, the same for all channels.

    Args:
        images: (B, 3, h, w).
        kernels: B arrays of one shape with odd sides.
        padding: `reflect` (without the edge pixel) or `replicate`.
    """
    # Torch correlates; flipped, it convolves.
    stack = torch.from_numpy(np.stack(kernels)[:, ::-1, ::-1].copy()).to(images)
    rows, columns = stack.shape[-2:]
    batch, channels = images.shape[:2]
    frame = (columns // 2, columns // 2, rows // 2, rows // 2)
    planes = F.pad(images, frame, mode=padding).flatten(0, 1)[None]
    weights = stack.repeat_interleave(channels, dim=0)[:, None]
    return F.conv2d(planes, weights, groups=batch * channels).view_as(images)
