"""Photographs as files or bytes: read with all that belongs to them, written back restored.

The pixels are those of `grids.images.decoding`. A restored file has the format, size, bits a
channel, transparency, orientation, colour profile and notes (EXIF, XMP, texts, tags) of its source.
What cannot stay is told in `remarks`.

Pixels are left in the order in which they are stored, with the orientation beside them; only TIFF
files are turned upright.
"""

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from grids.base.files import appearing
from grids.images import decoding
from grids.images.decoding import Ints
from grids.images.tiff import OPACITY, SPARE
from grids.restoring import bmp, jpeg, png, tiff, webp, xmp

FORMATS = {"BMP": bmp, "JPEG": jpeg, "PNG": png, "TIFF": tiff, "WEBP": webp}
STANDARD = Path("-")
NO_ROOM = "its XMP has no room for a word on the restoring, and stays as it is"


@dataclass(frozen=True)
class Photograph:
    """A photograph with what belongs to it.

    Attributes:
        colour: (H, W, 3) RGB, uint8 or uint16; greyscale has three equal channels.
        alpha: (H, W) opacity of the same type, or None.
        grey: all pixels are neutral, and stay so.
        grey_file: the file has no colour channels.
        format: as Pillow names it.
        notes: what is to be written beside the pixels, in the form its format needs.
        xmp: packet of XMP, or empty.
        remarks: what will not be in the restored file as it is here.
        spare: (H, W, N) further channels, or None.
        orientation: how it is to be turned to be upright, as EXIF counts.
    """

    colour: Ints
    alpha: Ints | None
    grey: bool
    grey_file: bool
    format: str
    notes: Any
    xmp: bytes
    remarks: tuple[str, ...]
    spare: Ints | None = None
    orientation: int = 1

    @property
    def eight_bits(self) -> NDArray[np.uint8]:
        """The colours, rounded to 8 bits if there are more."""
        return decoding.eight_bits(self.colour)


def read(path: Path) -> Photograph:
    """Reads a photograph; the path `-` is that of the standard input.

    Raises:
        InputError: the file is broken, or of a kind that is not restored.
    """
    content = sys.stdin.buffer.read() if path == STANDARD else decoding.content(path)
    return decoded(content, path)


def decoded(content: bytes, name: Path) -> Photograph:
    """The photograph in the bytes of a file.

    Args:
        content: of the file.
        name: what the file is called where it is broken.

    Raises:
        InputError: the file is broken, or of a kind that is not restored.
    """
    with decoding.naming(name):
        picture = decoding.decode(content)
        notes = FORMATS[picture.format].notes(content, picture.converted)
        remarks = picture.remarks + notes.remarks
        if not xmp.takes_statement(notes.xmp):
            remarks += (xmp.UNKNOWN,)
    colour = np.broadcast_to(picture.colour, (*picture.colour.shape[:2], 3))
    grey_file = picture.colour.shape[2] == 1
    red, green, blue = np.moveaxis(colour, -1, 0)
    return Photograph(
        colour=colour,
        alpha=picture.alpha,
        grey=grey_file or bool((red == green).all() and (red == blue).all()),
        grey_file=grey_file,
        format=picture.format,
        notes=notes.kept,
        xmp=notes.xmp,
        remarks=remarks,
        spare=picture.spare,
        orientation=picture.orientation,
    )


def write(
    photograph: Photograph, restored: Ints, path: Path, statement: Mapping[str, str]
) -> tuple[str, ...]:
    """Writes the restored colours with everything else of their photograph.

    Args:
        photograph: the source.
        restored: (H, W, 3), of the type of the source's colours.
        path: appears whole or not at all; what was there is replaced. `-` is the standard output.
        statement: goes into the XMP of the file (BMP has none).

    Returns:
        Remarks on what is not in the file.

    Raises:
        InputError: the file cannot be written.
    """
    with writing(path) as file:
        return _encode(photograph, restored, file, statement)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file that can be sought in, which appears at `path`, whole or not at all.

    Args:
        path: what was there is replaced; `-` is the standard output.

    Raises:
        InputError: the file cannot be written.
    """
    with decoding.naming(path, "written"):
        if path == STANDARD:
            coded = io.BytesIO()
            yield coded
            sys.stdout.buffer.write(coded.getbuffer())
            sys.stdout.buffer.flush()
        else:
            with appearing(path) as temporary, open(temporary, "wb") as file:
                yield file


def _encode(
    photograph: Photograph, restored: Ints, file: BinaryIO, statement: Mapping[str, str]
) -> tuple[str, ...]:
    """Writes into a file that can be sought in; remarks on what is not in it."""
    packet = xmp.with_statement(photograph.xmp, statement)
    remarks: tuple[str, ...] = ()
    if photograph.format == "JPEG" and len(packet) > jpeg.LONGEST_XMP:
        packet, remarks = photograph.xmp, (NO_ROOM,)
    pixels, extra = _joined(photograph, restored)
    arguments = {"BMP": (), "TIFF": (packet, extra)}.get(photograph.format, (packet,))
    FORMATS[photograph.format].write(file, pixels, photograph.notes, *arguments)
    return remarks


def neutral(colour: Ints) -> Ints:
    """(H, W, 3) with the mean of its channels in all of them."""
    third = (colour.sum(axis=2, keepdims=True, dtype=np.uint32) + 1) // 3
    return np.repeat(third.astype(colour.dtype), 3, axis=2)


def _joined(photograph: Photograph, restored: Ints) -> tuple[Ints, tuple[int, ...]]:
    """(H, W, C) with the channels of the source, and what those behind the colours are."""
    if photograph.grey:
        restored = neutral(restored)[..., : 1 if photograph.grey_file else 3]
    joined = [restored]
    extra: tuple[int, ...] = ()
    if photograph.alpha is not None:
        joined.append(photograph.alpha[..., None])
        extra += (OPACITY,)
    if photograph.spare is not None:
        joined.append(photograph.spare)
        extra += (SPARE,) * photograph.spare.shape[2]
    return np.concatenate(joined, axis=2) if extra else restored, extra
