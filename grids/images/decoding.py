"""The one reader of photographs, for training, pairs, measuring and restoring alike.

PNG, JPEG, WebP, TIFF and BMP are read, by what is in a file and not by its name.

- Grey and colour of up to 8 and of 16 bits are read as they are stored; white is the highest value,
  whatever a TIFF file says of zero.
- A palette, CMYK (by its profile, if there is one, else by the plain formula; in 8 bits) and YCbCr
  become RGB, black-and-white becomes grey.
- Opacity is kept, and taken out of colours that were multiplied by it. A colour that stands for
  transparency becomes opacity. The spare byte of a BMP file of 32 bits is none.
- EXIF says how a picture is turned, in every format, and nothing else does.
- Gamma, colour profiles and chromaticities change no value (but those of CMYK).
- An animation and a file of several pages are refused: save the one you mean. The further pictures
  of a JPEG file of a camera, and smaller copies and masks in a TIFF file, are no pages.
- Signed values, floats and other numbers of bits have no range that is known: they are refused.
- What only lacks its end is read, and so is a PNG file in which notes are broken.

For networks (`shown`) a picture is turned upright, laid over black and rounded to 8 bits.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile

from grids.base.errors import InputError
from grids.base.printing import on_one_line
from grids.images import jpeg, png, tiff

# About odd tags, and sizes that are large but not too large.
warnings.filterwarnings("ignore", module=r"PIL\.")

FORMATS = "PNG, JPEG, WebP, TIFF or BMP"
BY_PILLOW = ("JPEG", "WEBP", "BMP")
MOST_PIXELS = 2 * 89_478_485
KEY_COLOUR = "the transparent colour became an alpha channel"
PIXELS_OF_PNG = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
# How PNG stores 16 bits of colour in Pillow's words, and the words for the other byte of each two.
OTHER_BYTE = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}

Ints = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Picture:
    """The pixels of a file.

    Attributes:
        colour: (H, W, 1) grey or (H, W, 3) RGB, uint8 or uint16, as stored; TIFF is upright.
        alpha: (H, W) opacity of the same type, or None.
        spare: (H, W, N) further channels, whatever they mean.
        orientation: how it is to be turned to be upright, as EXIF counts.
        format: as Pillow names it.
        converted: its colours were others in the file, so that a profile of them no longer holds.
        remarks: in what it differs from the file.
    """

    colour: Ints
    alpha: Ints | None = None
    spare: Ints | None = None
    orientation: int = 1
    format: str = ""
    converted: bool = False
    remarks: tuple[str, ...] = ()


@contextmanager
def naming(path: Path, action: str = "read") -> Iterator[None]:
    """Any exception becomes an InputError that names the file: codecs raise all kinds."""
    try:
        yield
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = f"no photograph in {FORMATS}"
        elif isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        name = on_one_line(str(path))
        raise InputError(f"{name}: cannot be {action} ({reason})") from None


def content(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: it cannot be read.
    """
    with naming(path):
        return path.read_bytes()


def size(path: Path) -> tuple[int, int]:
    """Width and height of the upright picture, from the file's header alone.

    Raises:
        InputError: the file is no photograph that can be opened.
    """
    with naming(path), open(path, "rb") as file:
        head = file.read(8)
        if head == png.SIGNATURE:
            chunks = list(png.chunks(file, without=b"IDAT"))
            (width, height), orientation = _png_size(chunks), _png_orientation(chunks)
        elif head[:4] in tiff.SIGNATURES:
            tags = tiff.tags(file)
            (width, height), orientation = tiff.size(tags), _of_tags(tags)
        else:
            with Image.open(file, formats=BY_PILLOW) as image:
                (width, height), orientation = image.size, _of_exif(image.info.get("exif", b""))
        _check_size(width, height)
    return (width, height) if orientation < 5 else (height, width)


def decode(content: bytes) -> Picture:
    """The pixels of a file.

    Raises:
        Exception: of any kind, since codecs raise all kinds; see `naming`.
    """
    if content.startswith(png.SIGNATURE):
        return _png(content)
    if content.startswith(tiff.SIGNATURES):
        return _tiff(content)
    return _other(content)


def shown(picture: Picture) -> NDArray[np.uint8]:
    """A picture as networks see it: (H, W, 3) uint8 RGB, upright and over black."""
    colour = picture.colour
    if picture.alpha is not None:
        white = np.iinfo(colour.dtype).max
        product = colour.astype(np.uint32) * picture.alpha[..., None]
        colour = ((product + white // 2) // white).astype(colour.dtype)
    upright = turned(eight_bits(colour), picture.orientation)
    return np.ascontiguousarray(np.broadcast_to(upright, (*upright.shape[:2], 3)))


def eight_bits(values: Ints) -> NDArray[np.uint8]:
    """Rounded to 8 bits, if there are more."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, ...) turned upright from one of the orientations 1 to 8 of EXIF."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    down = orientation in (3, 4, 7, 8)
    left = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if down else 1, :: -1 if left else 1]


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width}×{height} pixels exceed the limit of {MOST_PIXELS:,}")
    if not (width and height):
        raise ValueError("it has no pixels")


def _of_tags(tags: tiff.Tags) -> int:
    orientation = tags.number(Base.Orientation, 1)
    return orientation if 1 <= orientation <= 8 else 1


def _of_exif(exif: bytes) -> int:
    try:
        return _of_tags(tiff.tags(io.BytesIO(exif.removeprefix(b"Exif\0\0"))))
    except (ValueError, OSError, OverflowError):
        return 1


def _png_size(chunks: list[png.Chunk]) -> tuple[int, int]:
    if not chunks or chunks[0].kind != b"IHDR" or len(chunks[0].content) < 8:
        raise ValueError("broken: it does not begin with the chunk IHDR")
    return struct.unpack_from(">II", chunks[0].content)


def _png_orientation(chunks: list[png.Chunk]) -> int:
    return next((_of_exif(c.content) for c in chunks if c.kind == b"eXIf" and c.intact), 1)


def _png(content: bytes) -> Picture:
    chunks = list(png.chunks(io.BytesIO(content)))
    _check_size(*_png_size(chunks))
    if not any(chunk.kind == b"IDAT" for chunk in chunks):
        raise ValueError("the file is truncated")
    # Whether enough of the last one is there will show.
    broken = next((c for c in chunks[:-1] if c.critical and not c.intact), None)
    if broken:
        raise ValueError(f"broken: the chunk {broken.kind.decode('latin-1')} has a wrong checksum")
    if (count := sum(chunk.kind == b"fcTL" for chunk in chunks)) > 1:
        raise ValueError(_several(count))
    remarks = [] if chunks[-1].kind == png.END else ["its end is missing"]
    # Notes are kept from Pillow, which refuses long ones and broken ones.
    chunks = [c for c in chunks if c.intact or c.critical]
    file = io.BytesIO()
    file.write(png.SIGNATURE)
    png.put(file, [(c.kind, c.content) for c in chunks if c.kind in PIXELS_OF_PNG])
    png.put(file, [(png.END, b"")])
    pixels: Ints
    with Image.open(file, formats=("PNG",)) as image:
        deep = _rawmode(image)
        if deep == "LA;16B":  # grey and alpha are four bytes, which are those of RGBA
            _decode_as(image, "RGBA")
            pixels = np.asarray(image).view(">u2").astype(np.uint16)
        elif deep in OTHER_BYTE:
            high = np.asarray(image)
            with Image.open(file, formats=("PNG",)) as again:
                _decode_as(again, OTHER_BYTE[deep])
                pixels = high * np.uint16(256) + np.asarray(again)
        else:
            pixels = _channels(image, remarks)
    colour, alpha = _split(pixels)
    if alpha is None and (key := next((c for c in chunks if c.kind == b"tRNS"), None)):
        remarks.append(KEY_COLOUR)
        alpha = _opacity_by_key(colour, key.content, chunks[0].content[8])
    return Picture(colour, alpha, None, _png_orientation(chunks), "PNG", remarks=tuple(remarks))


def _opacity_by_key(colour: Ints, key: bytes, depth: int) -> Ints:
    """Opacity where one colour of the file, of `depth` bits a channel, is transparent."""
    white = np.iinfo(colour.dtype).max
    most = 2**depth - 1
    values = np.frombuffer(key[: 2 * colour.shape[2]], ">u2").astype(np.int64) & most
    values = values * white // most
    return np.where((colour == values).all(axis=2), 0, white).astype(colour.dtype)


def _tiff(content: bytes) -> Picture:
    file = io.BytesIO(content)
    tags = tiff.tags(file)
    _check_size(*tiff.size(tags))
    further = list(tiff.further(file))
    if pages := sum(map(tiff.is_page, further)):
        raise ValueError(_several(1 + pages))
    remarks = ["its previews or masks are not kept"] if further else []
    compression, kind = (
        tags.number(tag, 1) for tag in (Base.Compression, Base.PhotometricInterpretation)
    )
    try:
        if tiff.is_plain(tags):
            return _plain_tiff(content, tags, remarks)
        if depths := tiff.bits(tags) - {1, 2, 4, 8, 16}:
            raise ValueError(f"its values have {max(depths)} bits; save it with 8 or 16 bits")
        _check_subsampling(tags)
        with Image.open(file, formats=("TIFF",)) as image:
            pixels = _channels(image, remarks)
            converted = image.mode == "CMYK"
    except UnidentifiedImageError:
        raise ValueError(
            f"its kind of TIFF is not read (compression {compression}, colours {kind}); "
            "save it as RGB or grey of 8 or 16 bits"
        ) from None
    except OSError as error:
        if str(error).startswith("decoder error"):  # of libtiff, by number
            raise ValueError(f"its pixels cannot be unpacked (compression {compression})") from None
        raise
    if 0 in tags.numbers(Base.ExtraSamples):
        remarks.append("its spare channels are not kept")
    colour, alpha = _split(pixels)
    return Picture(colour, alpha, format="TIFF", converted=converted, remarks=tuple(remarks))


def _check_subsampling(tags: tiff.Tags) -> None:
    """Refuses what Pillow would read as something else."""
    unpacked = tags.number(Base.Compression, tiff.NO_COMPRESSION) == tiff.NO_COMPRESSION
    luminance = tags.number(Base.PhotometricInterpretation, 0) == tiff.LUMINANCE
    if unpacked and luminance and tags.numbers(Base.YCbCrSubSampling, (2, 2)) != (1, 1):
        raise ValueError("its colours are coarser than its grey; save it as RGB")


def _plain_tiff(content: bytes, tags: tiff.Tags, remarks: list[str]) -> Picture:
    samples = turned(tiff.samples(content, tags), _of_tags(tags))
    white = np.iinfo(samples.dtype).max
    kind = tags.number(Base.PhotometricInterpretation, tiff.WHITE_IS_ZERO)
    count = tiff.COLOURS[kind]
    colour, more = samples[..., :count], samples[..., count:]
    if kind == tiff.WHITE_IS_ZERO:
        colour = white - colour
    kinds = tiff.spare(tags, more.shape[2])
    place = next((i for i, kind in enumerate(kinds) if kind != tiff.SPARE), None)
    alpha = None
    if place is not None:
        alpha, more = more[..., place], np.delete(more, place, axis=2)
        if kinds[place] == tiff.ASSOCIATED:
            colour = _divided(colour, alpha)
    if kind == tiff.INKS:
        if samples.dtype == np.uint16:
            remarks.append("its 16 bits became 8")
            alpha = None if alpha is None else eight_bits(alpha)
            more = eight_bits(more)
        entry = tags.get(Base.InterColorProfile)
        inks = Image.fromarray(np.ascontiguousarray(eight_bits(colour)), "CMYK")
        colour = np.asarray(_from_cmyk(inks, entry.content if entry else b"", remarks))
    return Picture(
        colour,
        alpha,
        more if more.shape[2] else None,
        format="TIFF",
        converted=kind == tiff.INKS,
        remarks=tuple(remarks),
    )


def _divided(colour: Ints, alpha: Ints) -> Ints:
    """Colours that were multiplied by their opacity, as they were before."""
    white = np.iinfo(colour.dtype).max
    divisor = np.maximum(alpha, 1)[..., None].astype(np.uint32)
    quotient = (colour.astype(np.uint32) * white + divisor // 2) // divisor
    divided: Ints = np.minimum(quotient, white).astype(colour.dtype)
    return divided


def _other(content: bytes) -> Picture:
    remarks: list[str] = []
    with Image.open(io.BytesIO(content), formats=BY_PILLOW) as image:
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        deep = _rawmode(image)
        if kind != "JPEG" and (count := getattr(image, "n_frames", 1)) > 1:
            raise ValueError(_several(count))
        try:
            pixels, mode = _channels(image, remarks), image.mode
        except OSError:
            whole = jpeg.ended(content) if kind == "JPEG" else None
            if whole is None:
                raise
            ended = _other(whole)
            return replace(ended, remarks=("its end marker is missing", *ended.remarks))
        if kind == "BMP" and deep == "BGRX" and _says_more(content, image.size):
            remarks.append("the fourth byte of its pixels, of no meaning in BMP, is not kept")
        orientation = _of_exif(image.info.get("exif", b""))
    colour, alpha = _split(pixels)
    return Picture(
        colour,
        alpha,
        None,
        orientation,
        kind,
        converted=mode == "CMYK",
        remarks=tuple(remarks),
    )


def _says_more(content: bytes, size: tuple[int, int]) -> bool:
    """Whether the fourth bytes of a BMP file of 32 bits are not all the same."""
    start = int.from_bytes(content[10:14], "little")
    spare = np.frombuffer(content, np.uint8, 4 * size[0] * size[1], start)[3::4]
    return bool((spare != spare[0]).any())


def _several(count: int) -> str:
    return f"it holds {count} pictures; save the one you mean"


def _channels(stored: ImageFile, remarks: list[str]) -> Ints:
    """(H, W, C) of what Pillow decodes; grey, grey and alpha, RGB or RGBA."""
    deep, mode = _rawmode(stored), stored.mode
    known = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16")
    if mode not in known or deep == "I;12":
        raise ValueError(
            f"its pixels are of the kind {deep or mode}; save it as RGB or grey of 8 or 16 bits"
        )
    stored.load()
    image: Image.Image = stored
    if mode == "I;16":
        return np.asarray(image).astype(np.uint16)[..., None]
    if mode == "CMYK":
        image = _from_cmyk(image, image.info.get("icc_profile", b""), remarks)
    elif mode in ("P", "PA"):
        remarks.append("the palette's colours became RGB")
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif mode == "1":
        remarks.append("black and white became grey")
        image = image.convert("L")
    elif mode == "YCbCr":
        image = image.convert("RGB")
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _split(pixels: Ints) -> tuple[Ints, Ints | None]:
    """Colours, and opacity if there is one."""
    if pixels.shape[2] in (1, 3):
        return pixels, None
    return pixels[..., :-1], pixels[..., -1]


def _rawmode(image: ImageFile) -> str:
    """How the samples lie in the file, in Pillow's words."""
    arguments = image.tile[0].args if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _decode_as(image: ImageFile, rawmode: str) -> None:
    image.tile = [
        part._replace(args=(rawmode, *part.args[1:]) if isinstance(part.args, tuple) else rawmode)
        for part in image.tile
    ]


def _from_cmyk(image: Image.Image, profile: bytes, remarks: list[str]) -> Image.Image:
    remarks.append("CMYK became RGB")
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError):
            remarks.append("its colour profile is broken")
        else:
            if converted is not None:  # None is for a conversion in place
                return converted
    return image.convert("RGB")
