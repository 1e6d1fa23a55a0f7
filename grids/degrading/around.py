"""What is done to a picture before and after its damage: made grey, saved as a JPEG file."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Colours at full resolution, or halved in both directions (4:2:0), as Pillow names them.
FULL, HALVED = 0, 2

Pixels = NDArray[np.uint8]


def grey(picture: Pixels) -> Pixels:
    """The luma (BT.601) of a picture (height, width, 3) in three equal channels."""
    return alike(np.asarray(Image.fromarray(picture).convert("L"))[..., None])


def alike(picture: Pixels) -> Pixels:
    """The first channel of a picture in three equal channels."""
    return np.repeat(picture[..., :1], 3, axis=2)


def as_file(picture: Pixels, quality: int, sampling: int) -> Pixels:
    """The picture as a JPEG file has it; sampling is `FULL` or `HALVED`."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=quality, subsampling=sampling)
    return np.asarray(Image.open(file))
