"""Losses that procedures of training share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HIGHEST_L1 = 1.0
"""The whole range of the images: no network that learns is as far away."""
WINDOW = 11
"""Side of the windows of structural similarity, in pixels."""
WINDOW_SIGMA = 1.5


def l1(model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the network's output for `source`."""
    return F.l1_loss(model(source).float(), target)


def filled_up(images: Tensor, multiple: int) -> Tensor:
    """Images mirrored at their right and lower edge up to sides that `multiple` divides."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % multiple, 0, -height % multiple), mode="reflect")


def structural_similarity(images: Tensor, others: Tensor) -> Tensor:
    """Structural similarity (Wang et al., 2004), the mean over all windows that lie in an image.

    Args:
        images, others: (batch, channels, height, width) of range 1, no side shorter than `WINDOW`.

    Returns:
        A scalar, 1 for equal images.
    """
    places = torch.arange(WINDOW, device=images.device) - WINDOW // 2
    bell = torch.exp(-(places**2) / (2 * WINDOW_SIGMA**2))
    window = (bell[:, None] * bell / bell.sum() ** 2)[None, None]
    # Variances are small differences of squares.
    with torch.autocast(images.device.type, enabled=False):
        x, y = images.float().flatten(0, 1), others.float().flatten(0, 1)
        stacked = torch.stack([x, y, x * x, y * y, x * y])
        means = F.conv2d(stacked.flatten(0, 1)[:, None], window).unflatten(0, (5, -1))
    mean_x, mean_y, square_x, square_y, product = means
    spread = square_x - mean_x**2 + square_y - mean_y**2
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    mean: Tensor = (luminance * (2 * covariance + 0.03**2) / (spread + 0.03**2)).mean()
    return mean
