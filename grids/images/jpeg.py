"""JPEG files that lack nothing but their end marker."""

import io

import numpy as np
from PIL import Image

END = b"\xff\xd9"
FILLERS = (bytes(64), b"\x55" * 64)


def ended(content: bytes) -> bytes | None:
    """The file with an end marker, if all its pixels are there; else None.

    Whatever stands in front of the end marker is then read by no decoder. Where pixels are
    missing, it is read in their place.
    """
    whole = content.removesuffix(b"\xff")
    try:
        first, second = (_pixels(whole + filler + END) for filler in FILLERS)
    except OSError:
        return None
    return whole + END if np.array_equal(first, second) else None


def _pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return np.asarray(image)
