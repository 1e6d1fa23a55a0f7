"""PNG files of 8 or 16 bits a channel, which Pillow cannot write in colour, and their notes."""

import io
import struct
import zlib
from typing import BinaryIO

import numpy as np

from grids.images import png
from grids.images.png import Chunk
from grids.restoring.notes import Notes, not_kept

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
FILTER_UP = 2
ROWS_AT_ONCE = 256
LONGEST_XMP = 1 << 26

# Holds for the restored pixels too, though its name does not say so (see `_safe`).
NOTES = {
    *(b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI"),
    *(b"oFFs", b"pCAL", b"sCAL", b"sTER", b"eXIf"),
}
# What the pixels are made of, and what no longer holds for them.
OF_PIXELS = {b"tRNS", b"sBIT", b"hIST", b"tIME", b"acTL", b"fcTL"}
XMP_KEYWORD = b"XML:com.adobe.xmp\0"


def notes(content: bytes, converted: bool) -> Notes:
    """The chunks that go over to a restored file, byte by byte; XMP is apart.

    Broken ones do not, nor those that by their own word hold only for the pixels as they were.
    """
    file = io.BytesIO(content)
    kept, packet, lost, broken = [], b"", [], []
    for chunk in png.chunks(file, without=b"IDAT"):
        name = chunk.kind.decode("latin-1")
        if chunk.critical:
            continue
        if not chunk.intact:
            broken.append(name)
        elif chunk.kind in OF_PIXELS:
            continue
        elif not (chunk.kind in NOTES or _safe(chunk)):
            lost.append(name)
        elif not packet and chunk.kind == b"iTXt" and chunk.content.startswith(XMP_KEYWORD):
            packet = _xmp(chunk.content)
        else:
            kept.append((chunk.kind, chunk.content))
    remarks = (*not_kept(broken, "broken notes"), *not_kept(lost, "notes about the old pixels"))
    if (behind := len(content) - file.tell()) > 0:
        remarks += (f"{behind} bytes behind the picture are not kept",)
    return Notes(kept, packet, remarks)


def _safe(chunk: Chunk) -> bool:
    """Whether it may be copied to other pixels, as the last letter of its kind says."""
    return chunk.kind[3:].islower()


def _xmp(content: bytes) -> bytes:
    """The packet in an international text, which may be compressed."""
    compressed, rest = content[len(XMP_KEYWORD)], content[len(XMP_KEYWORD) + 2 :]
    text = rest.split(b"\0", 2)[-1]
    return zlib.decompressobj().decompress(text, LONGEST_XMP) if compressed else text


def write(file: BinaryIO, pixels: np.ndarray, kept: list[tuple[bytes, bytes]], xmp: bytes) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8 or uint16; grey, grey and alpha, RGB or RGBA.
        kept: chunks, written in front of the pixels.
        xmp: packet of XMP.
    """
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, COLOUR_TYPES[channels], 0, 0, 0)
    file.write(png.SIGNATURE)
    statement = XMP_KEYWORD + b"\0\0\0\0" + xmp
    png.put(file, [(b"IHDR", header), *kept, (b"iTXt", statement)])
    compressor = zlib.compressobj()
    above = np.zeros((1, width * channels * pixels.dtype.itemsize), np.uint8)
    for top in range(0, height, ROWS_AT_ONCE):
        part = pixels[top : top + ROWS_AT_ONCE]
        rows = part.astype(part.dtype.newbyteorder(">")).reshape(len(part), -1).view(np.uint8)
        differences = rows - np.concatenate([above, rows[:-1]])
        filtered = np.insert(differences, 0, FILTER_UP, axis=1)
        png.put(file, [(b"IDAT", compressor.compress(filtered.tobytes()))])
        above = rows[-1:]
    png.put(file, [(b"IDAT", compressor.flush()), (b"IEND", b"")])
