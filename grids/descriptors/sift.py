"""Dense SIFT (Lowe, 2004) of OpenCV, as Table 2b of the paper compares it with deep features.

Keypoints stand on a grid with one size and no rotation, so that all patches have the same features,
and damage, which moves and removes keypoints that are searched for, moves none.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from grids.base.errors import InputError
from grids.pixels import luma
from grids.pixels.arrays import to_bytes

LENGTH = 128
# A descriptor has 4×4 cells, each one and a half times as wide as its keypoint.
CELLS, CELL_OF_SIZE = 4, 1.5

Describe = Callable[[Tensor], Tensor]


def load(path: Path | str = "") -> nn.Module:
    """A network without weights: SIFT has none, and no file is read."""
    return nn.Identity()


def describer(model: nn.Module, spacing: int = 8) -> Describe:
    """The function from patches (N, 3, h, w) in [0, 1] to features (N, D), float32.

    Args:
        model: as `load` gives it.
        spacing: pixels from one keypoint to the next; each sees twice as many a side. D = 128 for
            each of the ⌊h / spacing⌋ · ⌊w / spacing⌋ keypoints.

    Raises:
        InputError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise InputError("descriptor sift needs OpenCV; pip install 'grids[sift]'") from None
    extractor = cv2.SIFT.create()
    size = 2 * spacing / (CELLS * CELL_OF_SIZE)

    def places(length: int) -> np.ndarray:
        return np.arange(length // spacing) * spacing + (spacing - 1) / 2

    def describe(patches: Tensor) -> Tensor:
        height, width = patches.shape[-2:]
        points = [
            cv2.KeyPoint(float(x), float(y), size, 0.0)
            for y in places(height)
            for x in places(width)
        ]
        rows = []
        for pixels in to_bytes(patches):
            grey = np.rint(pixels @ np.array(luma.BT601)).astype(np.uint8)
            _, described = extractor.compute(grey, points)
            rows.append(described.reshape(len(points) * LENGTH))
        return torch.from_numpy(np.stack(rows)).to(patches.device)

    return describe
