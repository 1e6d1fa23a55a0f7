"""BMP files, which hold a resolution and nothing else that is kept."""

import struct
from typing import BinaryIO

import numpy as np
from PIL import Image

from grids.restoring.notes import Notes

LONG_HEADER, LONGEST_HEADER = 108, 124
PROFILES = (b"DEBM", b"KNIL")  # in the file, or in another one
MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
BY_MASKS, LIKE_SRGB = 3, b"BGRs"


def notes(content: bytes, converted: bool) -> Notes:
    """Pixels a metre, across and down."""
    length = int.from_bytes(content[14:18], "little")
    resolution = struct.unpack_from("<ii", content, 38) if length >= 40 else (0, 0)
    profile = length >= LONGEST_HEADER and content[70:74] in PROFILES
    return Notes(resolution, remarks=("its colour profile is not kept",) if profile else ())


def write(file: BinaryIO, pixels: np.ndarray, kept: tuple[int, int]) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8; grey, RGB or RGBA.
        kept: pixels a metre.
    """
    if pixels.shape[2] == 4:
        _write_with_opacity(file, pixels, kept)
    else:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        options = {"dpi": tuple(each / 39.3701 for each in kept)} if any(kept) else {}
        image.save(file, "BMP", **options)


def _write_with_opacity(file: BinaryIO, pixels: np.ndarray, kept: tuple[int, int]) -> None:
    """By masks, since the fourth byte of a pixel has no meaning without (Pillow writes none)."""
    height, width = pixels.shape[:2]
    start, size = 14 + LONG_HEADER, pixels.size
    file.write(struct.pack("<2sIII", b"BM", start + size, 0, start))
    header = (LONG_HEADER, width, height, 1, 32, BY_MASKS, size, *kept, 0, 0)
    file.write(struct.pack("<IiiHHIIiiII", *header))
    file.write(struct.pack("<4I4s", *MASKS, LIKE_SRGB) + bytes(48))
    file.write(np.ascontiguousarray(pixels[::-1, :, [2, 1, 0, 3]]).tobytes())
