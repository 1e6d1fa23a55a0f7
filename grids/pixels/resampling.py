"""Bicubic resampling with antialiasing, as Pillow and MATLAB do it (Keys' kernel, a = −0.5)."""

import torch.nn.functional as F
from torch import Tensor


def bicubic(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (batch, channels, height, width) at another (height, width).

    The kernel is widened for a reduction. Values may overshoot their range.
    """
    return F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False)


def bicubic_down(images: Tensor, scale: int) -> Tensor:
    """Images reduced by `scale`; sides that it does not divide are rounded up."""
    height, width = (-(-length // scale) for length in images.shape[-2:])
    return bicubic(images, (height, width))
