"""TIFF files: their directories byte by byte, and their samples of 8 or 16 bits.

Pillow reads some layouts of samples and refuses others, drops spare channels, and keeps one byte of
two in colour. So it only unpacks here: it is shown the same strips or tiles under a directory that
calls their bytes a grey picture. What the bytes mean is up to this module.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import ImageFile, TiffImagePlugin
from PIL.ExifTags import Base

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Bytes of a value of each type, and the letter of `struct` for those that are whole numbers.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8}
WHOLE = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
BYTE, SHORT, LONG = 1, 3, 4

NO_COMPRESSION, DIFFERENCES, SEPARATE_PLANES = 1, 2, 2
LOSSLESS = {NO_COMPRESSION, 5, 8, 32773, 32946, 34925, 50000}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INKS, LUMINANCE = 0, 1, 2, 5, 6
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, INKS: 4}
UNSIGNED, SIGNED, FLOATS, UNDEFINED = 1, 2, 3, 4
SPARE, ASSOCIATED, OPACITY, COREL_OPACITY = 0, 1, 2, 999
SUBFILE, OLD_SUBFILE = 254, 255
REDUCED_OR_MASK, OLD_REDUCED = 0b101, 2
MOST_DIRECTORIES, MOST_CHANNELS, WIDEST_TILE = 10_000, 16, 1 << 14


class Entry(NamedTuple):
    """Values of a tag: their type, how many there are, and their bytes."""

    kind: int
    length: int
    content: bytes


class Tags(dict[int, Entry]):
    """A directory: entries by tag.

    Attributes:
        order: byte order of the file, `<` or `>`.
        broken: tags whose values are not there.
        directories: those that are to stand in it when it is written.
    """

    def __init__(self, order: str, entries: Mapping[int, Entry] | None = None):
        super().__init__(entries or {})
        self.order = order
        self.broken: list[int] = []
        self.directories: dict[int, Tags] = {}

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The whole numbers of a tag."""
        entry = self.get(tag)
        if entry is None or entry.kind not in WHOLE:
            return default
        return struct.unpack(f"{self.order}{entry.length}{WHOLE[entry.kind]}", entry.content)

    def number(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        return (*self.numbers(tag), default)[0]

    def put(self, tag: int, kind: int, *values: int) -> None:
        """Sets the whole numbers of a tag."""
        content = struct.pack(f"{self.order}{len(values)}{WHOLE[kind]}", *values)
        self[tag] = Entry(kind, len(values), content)


@dataclass(frozen=True)
class Header:
    """How a file counts: its byte order, whether it is a BigTIFF, where its directory starts."""

    order: str
    big: bool
    start: int


def header(file: BinaryIO) -> Header:
    """Reads the start of a file.

    Raises:
        ValueError: this is no TIFF file.
    """
    file.seek(0)
    head = file.read(16)
    if head[:4] not in SIGNATURES or len(head) < 8:
        raise ValueError("it is no TIFF file")
    order, big = "<>"[head[:1] == b"M"], b"+" in head[:4]
    if big and len(head) < 16:
        raise ValueError("it is truncated")
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    return Header(order, big, start)


def tags(file: BinaryIO, start: int | None = None) -> Tags:
    """The first directory of a file, or the one that starts at `start`.

    Raises:
        ValueError: it is cut off, or holds more than the file.
    """
    head = header(file)
    return _tags(file, head, head.start if start is None else start)[0]


def _tags(file: BinaryIO, head: Header, start: int) -> tuple[Tags, int]:
    """A directory, and where the next one starts; 0: there is none."""
    length = file.seek(0, io.SEEK_END)
    if start > length:
        raise ValueError("its directory is truncated")
    file.seek(start)
    counted, field = ("Q", "Q") if head.big else ("H", "I")
    (count,) = _unpacked(file, head.order + counted)
    width = struct.calcsize(field)
    rows = file.read(count * (4 + 2 * width)) if count < length else b""
    if len(rows) < count * (4 + 2 * width):
        raise ValueError("its directory is truncated")
    following = file.read(width)
    result, left = Tags(head.order), length
    for tag, kind, number, value in struct.iter_unpack(f"{head.order}HH{field}{width}s", rows):
        size = SIZES.get(kind, length + 1) * number
        content = value[:size]
        if width < size <= left:
            left -= size
            (place,) = struct.unpack(head.order + field, value)
            file.seek(min(place, length))
            content = file.read(size)
        if len(content) == size:
            result[tag] = Entry(kind, number, content)
        else:
            result.broken.append(tag)
    more = struct.unpack(head.order + field, following)[0] if len(following) == width else 0
    return result, more


def _unpacked(file: BinaryIO, layout: str) -> tuple[int, ...]:
    content = file.read(struct.calcsize(layout))
    if len(content) < struct.calcsize(layout):
        raise ValueError("it is truncated")
    return struct.unpack(layout, content)


def further(file: BinaryIO) -> Iterator[Tags]:
    """The directories behind the first one; where the chain is broken it ends."""
    head = header(file)
    start, seen = _tags(file, head, head.start)[1], {head.start}
    while start and start not in seen and len(seen) < MOST_DIRECTORIES:
        seen.add(start)
        try:
            directory, start = _tags(file, head, start)
        except (ValueError, OSError, OverflowError):
            return
        yield directory


def is_page(directory: Tags) -> bool:
    """Whether a directory behind the first one is a picture of its own: no smaller copy or mask."""
    aside = directory.number(SUBFILE, 0) & REDUCED_OR_MASK
    return not (aside or directory.number(OLD_SUBFILE, 0) == OLD_REDUCED)


def packed(directory: Mapping[int, Entry], order: str, start: int) -> bytes:
    """A directory as it stands in a file, with its values, from the byte `start` on."""
    behind = start + 2 + 12 * len(directory) + 4
    rows, values = [struct.pack(f"{order}H", len(directory))], b""
    for tag, (kind, length, content) in sorted(directory.items()):
        rows.append(struct.pack(f"{order}HHI", tag, kind, length))
        if len(content) <= 4:
            rows.append(content.ljust(4, b"\0"))
        else:
            rows.append(struct.pack(f"{order}I", behind + len(values)))
            values += content + b"\0" * (len(content) % 2)
    return b"".join(rows) + bytes(4) + values


def size(directory: Tags) -> tuple[int, int]:
    """Width and height as stored.

    Raises:
        ValueError: they are not there.
    """
    width, height = (directory.number(tag, 0) for tag in (Base.ImageWidth, Base.ImageLength))
    if not (width > 0 and height > 0):
        raise ValueError("it does not say how large it is")
    return width, height


def bits(directory: Tags) -> set[int]:
    """The numbers of bits of its samples.

    Raises:
        ValueError: they are not unsigned integers.
    """
    of_samples = {*directory.numbers(Base.BitsPerSample, (1,))}
    kinds = {*directory.numbers(Base.SampleFormat, (UNSIGNED,))} - {UNSIGNED, UNDEFINED}
    if kinds:
        what = {SIGNED: "signed integers", FLOATS: "floats of unknown range"}
        raise ValueError(
            f"its values are {what.get(min(kinds), 'complex numbers')}, not unsigned integers; "
            "save it with 8 or 16 bits"
        )
    return of_samples


def is_plain(directory: Tags) -> bool:
    """Whether `samples` reads it: grey, RGB or CMYK of 8 or 16 bits, packed without losses."""
    return (
        bits(directory) in ({8}, {16})
        and directory.number(Base.Compression, NO_COMPRESSION) in LOSSLESS
        and directory.number(Base.PhotometricInterpretation, WHITE_IS_ZERO) in COLOURS
    )


def spare(directory: Tags, channels: int) -> tuple[int, ...]:
    """What each channel behind the colours is: `SPARE`, `OPACITY` or `ASSOCIATED`.

    Where a file does not say so, a single one is the opacity.
    """
    said = directory.numbers(Base.ExtraSamples)[:channels]
    if not said and channels == 1:
        said = (OPACITY,)
    known = [OPACITY if kind == COREL_OPACITY else kind for kind in said]
    known = [kind if kind in (ASSOCIATED, OPACITY) else SPARE for kind in known]
    return (*known, *[SPARE] * (channels - len(known)))


def samples(content: bytes, directory: Tags) -> np.ndarray:
    """All channels (height, width, channels) as they are stored, of uint8 or uint16.

    Raises:
        ValueError, OSError: they are not all there, or packed in a way that is not known.
    """
    (width, height), channels = size(directory), directory.number(Base.SamplesPerPixel, 1)
    least = COLOURS[directory.number(Base.PhotometricInterpretation, WHITE_IS_ZERO)]
    if not least <= channels <= MOST_CHANNELS:
        raise ValueError(f"it has {channels} channels, but its kind of colour needs {least}")
    where, how_long = Base.StripOffsets, Base.StripByteCounts
    across = width
    if Base.TileOffsets in directory:
        where, how_long = Base.TileOffsets, Base.TileByteCounts
        across = directory.number(Base.TileWidth, width)
    parts, lengths = directory.numbers(where), directory.numbers(how_long)
    separate = directory.number(Base.PlanarConfiguration, 1) == SEPARATE_PLANES
    planes = channels if separate else 1
    if not parts or len(parts) % planes or not 1 <= across <= max(width, WIDEST_TILE):
        raise ValueError("its parts are not all there")
    together, each = channels // planes, len(parts) // planes
    deep, tiles = max(bits(directory)) // 8, -(-width // across)
    predictor = directory.number(Base.Predictor, 1)
    if predictor not in (1, DIFFERENCES):
        raise ValueError(f"its values are predicted in an unknown way ({predictor})")
    found = []
    for plane in range(planes):
        own = slice(plane * each, (plane + 1) * each)
        bytes_across = across * together * deep
        rows = _unpacked_rows(content, directory, parts[own], lengths[own], bytes_across, tiles)
        values = rows.view(f"{directory.order}u{deep}").astype(f"u{deep}", copy=False)
        values = values.reshape(height, tiles, across, together)
        if predictor == DIFFERENCES:
            values = np.cumsum(values, axis=2, dtype=values.dtype)
        found.append(values.reshape(height, tiles * across, together)[:, :width])
    return found[0] if planes == 1 else np.concatenate(found, axis=2)


class _Bytes(TiffImagePlugin.TiffImageFile):
    """A picture of bytes, which are more than the pixels that a limit holds for."""

    def load_prepare(self) -> None:
        ImageFile.ImageFile.load_prepare(self)


def _unpacked_rows(
    content: bytes,
    directory: Tags,
    parts: tuple[int, ...],
    lengths: tuple[int, ...],
    across: int,
    tiles: int,
) -> np.ndarray:
    """The bytes of all rows: Pillow is shown them as a grey picture.

    Args:
        content: the file.
        directory: how it is packed.
        parts, lengths: where its strips or tiles are.
        across: bytes of a row of one of them.
        tiles: how many stand side by side.
    """
    height, tiled = size(directory)[1], Base.TileOffsets in directory
    if directory.number(Base.Compression, NO_COMPRESSION) == NO_COMPRESSION and not tiled:
        stored = b"".join(content[at : at + n] for at, n in zip(parts, lengths, strict=False))
        if len(stored) == height * across and directory.number(Base.FillOrder, 1) == 1:
            return np.frombuffer(stored, np.uint8).reshape(height, across)
    shown = Tags(directory.order)
    for tag in (Base.Compression, Base.FillOrder, Base.RowsPerStrip, Base.TileLength):
        if tag in directory:
            shown[tag] = directory[tag]
    shown.put(Base.ImageWidth, LONG, tiles * across)
    shown.put(Base.ImageLength, LONG, height)
    shown.put(Base.BitsPerSample, SHORT, 8)
    shown.put(Base.SamplesPerPixel, SHORT, 1)
    shown.put(Base.PhotometricInterpretation, SHORT, BLACK_IS_ZERO)
    shown.put(Base.TileOffsets if tiled else Base.StripOffsets, LONG, *parts)
    if lengths:
        shown.put(Base.TileByteCounts if tiled else Base.StripByteCounts, LONG, *lengths)
    if tiled:
        shown.put(Base.TileWidth, LONG, across)
    file, start = io.BytesIO(content), len(content) + len(content) % 2
    file.write(start_of(directory.order, start))
    file.seek(start)
    file.write(packed(shown, directory.order, start))
    file.seek(0)
    with _Bytes(file) as image:
        return np.array(image).reshape(height, -1)


def start_of(order: str, directory: int) -> bytes:
    """The first bytes of a file, which say where its directory is."""
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory)
