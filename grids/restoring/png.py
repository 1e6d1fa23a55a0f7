"""PNG files of 8 or 16 bits a channel, which Pillow cannot write in colour, and their notes."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
FILTER_UP = 2
ROWS_AT_ONCE = 256

# What tells of colours, size, camera and author, and holds for the restored pixels too.
NOTES = {
    *(b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI"),
    *(b"pHYs", b"eXIf", b"tEXt", b"zTXt", b"iTXt"),
}
XMP_KEYWORD = b"XML:com.adobe.xmp\0"

Chunk = tuple[bytes, bytes]


def notes(path: Path) -> Iterator[Chunk]:
    """Type and content of the chunks that go over to a restored file; XMP is left out."""
    with open(path, "rb") as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind not in NOTES:
                file.seek(length + 4, 1)
                continue
            content = file.read(length)
            file.seek(4, 1)
            if not (kind == b"iTXt" and content.startswith(XMP_KEYWORD)):
                yield kind, content


def xmp(packet: bytes) -> Chunk:
    """The chunk that holds an XMP packet."""
    return b"iTXt", XMP_KEYWORD + b"\0\0\0\0" + packet


def write(file: BinaryIO, pixels: np.ndarray, chunks: Iterable[Chunk]) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8 or uint16; grey, grey and alpha, RGB or RGBA.
        chunks: notes, written in front of the pixels.
    """
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, COLOUR_TYPES[channels], 0, 0, 0)
    file.write(SIGNATURE)
    for chunk in ((b"IHDR", header), *chunks):
        _put(file, *chunk)
    compressor = zlib.compressobj()
    above = np.zeros((1, width * channels * pixels.dtype.itemsize), np.uint8)
    for top in range(0, height, ROWS_AT_ONCE):
        part = pixels[top : top + ROWS_AT_ONCE]
        rows = part.astype(part.dtype.newbyteorder(">")).reshape(len(part), -1).view(np.uint8)
        differences = rows - np.concatenate([above, rows[:-1]])
        filtered = np.insert(differences, 0, FILTER_UP, axis=1)
        _put(file, b"IDAT", compressor.compress(filtered.tobytes()))
        above = rows[-1:]
    _put(file, b"IDAT", compressor.flush())
    _put(file, b"IEND", b"")


def _put(file: BinaryIO, kind: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + kind + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
