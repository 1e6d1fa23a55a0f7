"""WebP files, written without losses, and the chunks in them that are no pixels."""

import struct
from typing import BinaryIO

import numpy as np
from PIL import Image

from grids.restoring.notes import Notes, not_kept

# What Pillow takes again when it saves.
KEPT = {b"EXIF": "exif", b"ICCP": "icc_profile"}
XMP = b"XMP "
OF_PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}


def notes(content: bytes, converted: bool) -> Notes:
    """EXIF and colour profile; XMP is apart."""
    kept: dict[str, bytes] = {}
    lost: list[str] = []
    packet, at = b"", 12
    end = 8 + int.from_bytes(content[4:8], "little")
    while at + 8 <= min(end, len(content)):
        kind, length = struct.unpack_from("<4sI", content, at)
        chunk = content[at + 8 : at + 8 + length]
        if kind in KEPT:
            kept.setdefault(KEPT[kind], chunk)
        elif kind == XMP:
            packet = packet or chunk
        elif kind not in OF_PIXELS:
            lost.append(kind.decode("latin-1"))
        at += 8 + length + length % 2
    remarks = not_kept(lost, "parts")
    if len(content) > end + end % 2:
        remarks += (f"{len(content) - end} bytes behind the picture are not kept",)
    return Notes(kept, packet, remarks)


def write(file: BinaryIO, pixels: np.ndarray, kept: dict[str, bytes], xmp: bytes) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8, RGB or RGBA.
        kept: options of Pillow.
        xmp: packet of XMP.
    """
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True, xmp=xmp, **kept)
