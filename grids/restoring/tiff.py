"""TIFF files of 8 or 16 bits a channel, which Pillow cannot write in colour, and their tags."""

import io
import zlib
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from PIL.ExifTags import IFD, Base

from grids.images import tiff
from grids.images.tiff import BYTE, LONG, SHORT, Entry, Tags
from grids.restoring.notes import Notes, not_kept

BYTES_IN_STRIP = 1 << 20
DEFLATE = 8
XMP, SUBDIRECTORIES, TRANSFER_FUNCTION, PHOTOSHOP_LAYERS = 700, 330, 301, 37724
LONG8 = (16, 17, 18)

# How pixels are stored, which is as the writer does it: these tags are not those of the source.
OF_PIXELS = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281),
    *(284, 288, 289, 290, 291, 292, 293, 297, 317, 320, 321, 322, 323, 324, 325, 326, 327, 328),
    *(332, 333, 334, 336, 338, 339, 340, 341, 342, 347, *range(512, 522), 529, 530, 531, 532),
}
DIRECTORIES: dict[int, str] = {
    IFD.Exif: "EXIF",
    IFD.GPSInfo: "GPS",
    IFD.Interop: "interoperability",
}
LOST: dict[int, str] = {
    SUBDIRECTORIES: "pictures in sub-directories",
    PHOTOSHOP_LAYERS: "layers",
    TRANSFER_FUNCTION: "a transfer function",
}


def notes(content: bytes, converted: bool) -> Notes:
    """The tags that go over to a restored file, byte by byte; XMP is apart.

    Args:
        content: the file.
        converted: its colour profile no longer holds.
    """
    file = io.BytesIO(content)
    first = tiff.tags(file)
    lost: list[str] = []
    kept = _kept(file, first, lost)
    if converted:
        kept.pop(Base.InterColorProfile, None)
    packet = kept.pop(XMP, None)
    return Notes(kept, packet.content if packet else b"", not_kept(lost, "parts"))


def _kept(file: BinaryIO, found: Tags, lost: list[str]) -> Tags:
    """The tags of a directory but those of pixels; its sub-directories stand for their places."""
    kept = Tags(found.order)
    lost += [f"the broken tag {tag}" for tag in found.broken]
    for tag, entry in found.items():
        if tag in LOST:
            lost.append(LOST[tag])
        elif entry.kind in LONG8 and tag not in OF_PIXELS | DIRECTORIES.keys():
            lost.append(f"the tag {tag} of 64 bits")
        elif tag in DIRECTORIES:
            try:
                start = found.number(tag, 0)
                kept.directories[tag] = _kept(file, tiff.tags(file, start), lost)
            except (ValueError, OSError, OverflowError):
                lost.append(DIRECTORIES[tag])
        elif tag not in OF_PIXELS:
            kept[tag] = entry
    return kept


def write(
    file: BinaryIO, pixels: np.ndarray, kept: Tags, xmp: bytes, extra: Sequence[int] = ()
) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8 or uint16; grey or RGB, and further channels.
        kept: notes; those about the pixels are added to them.
        xmp: packet of XMP.
        extra: what each of the further channels is, as the tag ExtraSamples says it.
    """
    height, width, channels = pixels.shape
    depth, order = pixels.dtype.itemsize, kept.order
    file.write(tiff.start_of(order, 0))
    rows = max(1, BYTES_IN_STRIP // (width * channels * depth))
    starts, lengths = [], []
    for top in range(0, height, rows):
        strip = _strip(pixels[top : top + rows], order)
        starts.append(file.tell())
        lengths.append(len(strip))
        file.write(strip)
    tags = Tags(order, kept)
    tags.put(Base.ImageWidth, LONG, width)
    tags.put(Base.ImageLength, LONG, height)
    tags.put(Base.BitsPerSample, SHORT, *[8 * depth] * channels)
    tags.put(Base.Compression, SHORT, DEFLATE)
    colours = tiff.RGB if channels - len(extra) == 3 else tiff.BLACK_IS_ZERO
    tags.put(Base.PhotometricInterpretation, SHORT, colours)
    tags.put(Base.SamplesPerPixel, SHORT, channels)
    if extra:
        tags.put(Base.ExtraSamples, SHORT, *extra)
    tags.put(Base.Predictor, SHORT, tiff.DIFFERENCES)
    tags.put(Base.RowsPerStrip, LONG, rows)
    tags.put(Base.StripOffsets, LONG, *starts)
    tags.put(Base.StripByteCounts, LONG, *lengths)
    tags[XMP] = Entry(BYTE, len(xmp), xmp)
    tags.directories.update(kept.directories)
    start = _put(file, tags)
    file.seek(0)
    file.write(tiff.start_of(order, start))


def _put(file: BinaryIO, tags: Tags) -> int:
    """Writes a directory behind those in it; where it starts."""
    entries = Tags(tags.order, tags)
    for tag, directory in tags.directories.items():
        entries.put(tag, LONG, _put(file, directory))
    file.write(b"\0" * (file.tell() % 2))
    start = file.tell()
    file.write(tiff.packed(entries, tags.order, start))
    return start


def _strip(pixels: np.ndarray, order: str) -> bytes:
    differences = pixels.copy()
    differences[:, 1:] -= pixels[:, :-1]
    return zlib.compress(differences.astype(f"{order}u{pixels.dtype.itemsize}").tobytes())
