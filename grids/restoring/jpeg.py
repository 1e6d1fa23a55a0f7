"""JPEG files, the segments in them that are no pixels, and what stands behind the picture."""

import io
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from grids.images import tiff
from grids.restoring.notes import Notes

QUALITY = {"quality": 95, "subsampling": "4:4:4"}
START, END, SCAN, COMMENT, ADOBE, PROGRESSIVE = 0xD8, 0xD9, 0xDA, 0xFE, 0xEE, (0xC2, 0xC6, 0xCA)
APPLICATION = range(0xE0, 0xF0)
JFIF, EXIF_OR_XMP, PROFILE_OR_PICTURES = 0xE0, 0xE1, 0xE2
XMP, EXIF, PROFILE = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0", b"ICC_PROFILE\0"
PICTURES = b"MPF\0"
PLACES_OF_PICTURES = 0xB002
# A marker that begins a segment: no restart, no byte of pixels.
MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
# A segment, less its length and the name of its kind.
LONGEST_XMP = 65533 - len(XMP)


class Segment(NamedTuple):
    """Its kind, where its content starts in the file, and the content."""

    marker: int
    start: int
    content: bytes


@dataclass(frozen=True)
class Kept:
    """What goes over to a restored file.

    Attributes:
        segments: in their order, without XMP.
        place: how many of them stand in front of XMP.
        progressive: whether it is decoded in several passes.
        end: where the picture ended in the source.
        behind: what stands behind the picture: a video, further pictures.
    """

    segments: list[Segment]
    place: int
    progressive: bool
    end: int
    behind: bytes


def notes(content: bytes, converted: bool) -> Notes:
    """The segments of applications and comments, byte by byte; XMP is apart.

    Args:
        content: the file.
        converted: its colour profile no longer holds.
    """
    found, end = _segments(content)
    scan = next((i for i, s in enumerate(found) if s.marker == SCAN), len(found))
    kept: list[Segment] = []
    packet, place = b"", None
    for segment in found[:scan]:
        if segment.marker == EXIF_OR_XMP and segment.content.startswith(XMP) and place is None:
            packet, place = segment.content.removeprefix(XMP), len(kept)
        elif segment.marker == ADOBE or (converted and segment.content.startswith(PROFILE)):
            continue
        elif segment.marker in APPLICATION or segment.marker == COMMENT:
            kept.append(segment)
    if place is None:
        first = (i for i, segment in enumerate(kept) if not _goes_first(segment))
        place = next(first, len(kept))
    progressive = any(segment.marker in PROGRESSIVE for segment in found[:scan])
    remarks: tuple[str, ...] = ()
    if any(segment.content.startswith(PICTURES) for segment in kept):
        remarks = (
            "only the first of the file's pictures is restored, the others stay as they are",
        )
    return Notes(Kept(kept, place, progressive, end, content[end:]), packet, remarks)


def _goes_first(segment: Segment) -> bool:
    exif = segment.marker == EXIF_OR_XMP and segment.content.startswith(EXIF)
    return exif or segment.marker == JFIF


def _segments(content: bytes) -> tuple[list[Segment], int]:
    """The segments of the picture that comes first, and where it ends."""
    found: list[Segment] = []
    at = 2
    while marker := MARKER.search(content, at):
        kind, at = marker[1][0], marker.end()
        if kind == END:
            return found, at
        length = max(2, int.from_bytes(content[at : at + 2]))
        found.append(Segment(kind, at + 2, content[at + 2 : at + length]))
        at += length
    return found, len(content)


def write(file: BinaryIO, pixels: np.ndarray, kept: Kept, xmp: bytes) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8, grey or RGB.
        kept: of the source.
        xmp: packet of XMP, of at most `LONGEST_XMP` bytes.
    """
    coded = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(coded, "JPEG", progressive=kept.progressive, **QUALITY)
    picture = coded.getvalue()
    own = _segments(picture)[0][0]
    picture = picture[own.start + len(own.content) :]
    before, after = kept.segments[: kept.place], kept.segments[kept.place :]
    if not any(segment.marker == JFIF for segment in kept.segments):
        before = [own, *before]
    segments = [*before, Segment(EXIF_OR_XMP, 0, XMP + xmp), *after]
    end = 2 + sum(4 + len(segment.content) for segment in segments) + len(picture)
    file.write(bytes([0xFF, START]))
    for marker, start, content in segments:
        file.write(bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2))
        if content.startswith(PICTURES):
            further = (kept.end - start, end - file.tell())
            content = _with_places(content, end, further[1] - further[0])
        file.write(content)
    file.write(picture + kept.behind)


def _with_places(content: bytes, length: int, shift: int) -> bytes:
    """A segment about further pictures, whose places are counted from it.

    Args:
        content: of the segment.
        length: of the first picture now.
        shift: by how much farther the others begin.
    """
    try:
        tags = tiff.tags(io.BytesIO(content.removeprefix(PICTURES)))
        layout, old = f"{tags.order}IIIHH", tags[PLACES_OF_PICTURES].content
        rows = [list(row) for row in struct.iter_unpack(layout, old)]
        for row in rows:
            if row[2]:
                row[2] += shift
            else:
                row[1] = length
        new = b"".join(struct.pack(layout, *row) for row in rows)
    except (ValueError, KeyError, struct.error):
        return content  # broken as it was
    return content.replace(old, new, 1)
