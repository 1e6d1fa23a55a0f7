"""Photographs as files: read with all that belongs to them, written back restored.

A restored file has the format, size, bits a channel, transparency, orientation, colour profile and
notes (EXIF, XMP, texts) of its source. What cannot stay is told in `remarks`:

- colours from a palette and of CMYK become RGB (CMYK by its profile, if there is one), and
  black-and-white becomes grey;
- of several pictures in a JPEG file of a camera the first counts; an animation is refused.

Pixels are left in the order in which they are stored, with the orientation beside them; only TIFF
files are turned upright.
"""

import io
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.restoring import png, tiff, xmp

SUFFIXES = (".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
JPEG_QUALITY = 95
# A JPEG segment, less its length and the name of its kind.
LONGEST_XMP_IN_JPEG = 65533 - len(b"http://ns.adobe.com/xap/1.0/\0")

# What Pillow takes again when it saves: beside the pixels, and how they are compressed.
KEPT = {
    "JPEG": ("exif", "icc_profile", "comment", "dpi", "progressive"),
    "WEBP": ("exif", "icc_profile"),
    "BMP": ("dpi",),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": JPEG_QUALITY, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},
    "BMP": {},
}

# Which of two bytes Pillow takes: B the first, L the second, N the higher on this machine.
OTHER_BYTE = {"B": "L", "L": "B", "N": {"little": "B", "big": "L"}[sys.byteorder]}
WHITE_IS_ZERO, UNSIGNED, SEPARATE_PLANES = 0, 1, 2
KEY_COLOUR = "the transparent colour became an alpha channel"

Ints = NDArray[np.uint8 | np.uint16]


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
    """

    colour: Ints
    alpha: Ints | None
    grey: bool
    grey_file: bool
    format: str
    notes: Any
    xmp: bytes
    remarks: tuple[str, ...]

    @property
    def eight_bits(self) -> NDArray[np.uint8]:
        """The colours, rounded to 8 bits if there are more."""
        if self.colour.dtype == np.uint8:
            return self.colour.astype(np.uint8, copy=False)
        return ((self.colour.astype(np.uint32) + 128) // 257).astype(np.uint8)


def size(path: Path) -> tuple[int, int]:
    """Width and height as stored, from the header alone.

    Raises:
        InputError: the file is not a photograph that can be read.
    """
    with _opened(path) as image:
        return image.size


def read(path: Path) -> Photograph:
    """Reads a photograph.

    Raises:
        InputError: the file is broken, or of a kind that is not restored.
    """
    remarks: list[str] = []
    with _opened(path) as image:
        kind = str(image.format)
        if kind == "MPO":
            kind = "JPEG"
            remarks.append("only the first of the file's pictures is kept")
        elif (pictures := getattr(image, "n_frames", 1)) > 1:
            raise ValueError(f"it holds {pictures} pictures; save the one you mean")
        notes = _notes(image, kind, path)
        pixels = _pixels(image, path, remarks)
        # Last: in a PNG file it may stand behind the pixels.
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    channels = pixels.shape[2]
    alpha = pixels[..., -1] if channels in (2, 4) else None
    if channels < 3:
        colour = np.broadcast_to(pixels[..., :1], (*pixels.shape[:2], 3))
    else:
        colour = pixels[..., :3]
    red, green, blue = np.moveaxis(colour, -1, 0)
    return Photograph(
        colour=colour,
        alpha=alpha,
        grey=channels < 3 or bool((red == green).all() and (red == blue).all()),
        grey_file=channels < 3,
        format=kind,
        notes=notes,
        xmp=packet.encode() if isinstance(packet, str) else packet,
        remarks=tuple(remarks),
    )


def write(photograph: Photograph, restored: Ints, path: Path, statement: Mapping[str, str]) -> None:
    """Writes the restored colours with everything else of their photograph.

    Args:
        photograph: the source.
        restored: (H, W, 3), of the type of the source's colours.
        path: appears whole or not at all; what was there is replaced.
        statement: goes into the XMP of the file (BMP has none).

    Raises:
        InputError: the file cannot be written.
    """
    packet = xmp.with_statement(photograph.xmp, statement)
    pixels = _joined(photograph, restored)
    with _naming(path, "written"), appearing(path) as temporary, open(temporary, "wb") as file:
        if photograph.format == "PNG":
            png.write(file, pixels, [*photograph.notes, png.xmp(packet)])
        elif photograph.format == "TIFF":
            tiff.write(file, pixels, photograph.notes, packet)
        else:
            options = dict(OPTIONS[photograph.format])
            if photograph.format == "JPEG" and len(packet) > LONGEST_XMP_IN_JPEG:
                packet = photograph.xmp
            if photograph.format != "BMP":
                options["xmp"] = packet
            image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
            image.save(file, photograph.format, **photograph.notes, **options)


def _joined(photograph: Photograph, restored: Ints) -> Ints:
    """(H, W, C) with the channels of the source; neutral pixels get the mean of their channels."""
    if photograph.grey:
        third = (restored.sum(axis=2, keepdims=True, dtype=np.uint32) + 1) // 3
        channels = 1 if photograph.grey_file else 3
        restored = np.repeat(third.astype(restored.dtype), channels, axis=2)
    if photograph.alpha is not None:
        restored = np.concatenate([restored, photograph.alpha[..., None]], axis=2)
    return restored


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    with _naming(path, "read"), warnings.catch_warnings():
        # About odd tags, and sizes that are large but not too large.
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as image:
            yield image


@contextmanager
def _naming(path: Path, action: str) -> Iterator[None]:
    """Any exception becomes an InputError that names the file: codecs raise all kinds."""
    try:
        yield
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = "no photograph in PNG, JPEG, WebP, TIFF or BMP"
        elif isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise InputError(f"{path}: cannot be {action} ({reason})") from None


def _notes(image: ImageFile, kind: str, path: Path) -> Any:
    if kind == "PNG":
        return list(png.notes(path))
    if isinstance(image, TiffImageFile):
        tags = tiff.notes(image)
        if image.mode == "CMYK":
            tags.pop(Base.InterColorProfile, None)
        return tags
    notes = {key: image.info[key] for key in KEPT[kind] if key in image.info}
    if image.mode == "CMYK":
        notes.pop("icc_profile", None)
    return notes


def _pixels(image: ImageFile, path: Path, remarks: list[str]) -> Ints:
    """(H, W, C) of uint8 or uint16; grey, grey and alpha, RGB or RGBA."""
    mode, deep = image.mode, _rawmode(image)
    if isinstance(image, TiffImageFile):
        _check_samples(image.tag_v2)
    if mode.startswith("I;16") and not deep.startswith("I;12"):
        pixels = np.asarray(image).astype(np.uint16)[..., None]
        if (
            isinstance(image, TiffImageFile)
            and image.tag_v2[Base.PhotometricInterpretation] == WHITE_IS_ZERO
        ):
            pixels = 65535 - pixels
        return _with_key(pixels, image, remarks)
    if mode in ("RGB", "RGBA") and ";16" in deep and not deep.startswith("RGBa"):
        return _with_key(_sixteen_bits(image, path), image, remarks)
    if ";16" in deep or mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"):
        raise ValueError(
            f"its pixels are of the kind {deep or mode}; save it as RGB or grey of 8 or 16 bits"
        )
    image.load()
    shown: Image.Image = image
    if mode == "CMYK":
        remarks.append("CMYK became RGB")
        shown = _from_cmyk(image, remarks)
    elif mode in ("P", "PA"):
        remarks.append("the palette's colours became RGB")
        shown = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif mode == "1":
        remarks.append("black and white became grey")
        shown = image.convert("L")
    elif "transparency" in image.info and mode in ("L", "RGB"):
        remarks.append(KEY_COLOUR)
        shown = image.convert(mode + "A")
    pixels = np.asarray(shown)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _check_samples(tags: ImageFileDirectory_v2) -> None:
    """Refuses what Pillow would read as something else."""
    if set(tags.get(Base.SampleFormat, (1,))) != {UNSIGNED}:
        raise ValueError("its values are not unsigned integers; save it with 8 or 16 bits")
    if tags.get(Base.PlanarConfiguration) == SEPARATE_PLANES and max(tags[Base.BitsPerSample]) > 8:
        raise ValueError("its 16-bit channels lie in separate planes; save them interleaved")


def _rawmode(image: ImageFile) -> str:
    """How the samples lie in the file, in Pillow's words."""
    arguments = image.tile[0].args if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _sixteen_bits(image: ImageFile, path: Path) -> NDArray[np.uint16]:
    """Pillow keeps one byte of two in colour. So the file is decoded for each of them."""
    if _rawmode(image) == "LA;16B":  # grey and alpha are four bytes, which are those of RGBA
        _decode_as(image, "RGBA")
        return np.asarray(image).view(">u2").astype(np.uint16)
    high = np.asarray(image)
    with Image.open(path) as again:
        raw = _rawmode(again)
        _decode_as(again, raw[:-1] + OTHER_BYTE[raw[-1]])
        both: NDArray[np.uint16] = high * np.uint16(256) + np.asarray(again)
        return both


def _decode_as(image: ImageFile, rawmode: str) -> None:
    image.tile = [
        part._replace(args=(rawmode, *part.args[1:]) if isinstance(part.args, tuple) else rawmode)
        for part in image.tile
    ]


def _with_key(pixels: Ints, image: Image.Image, remarks: list[str]) -> Ints:
    """The colour that a PNG file of 16 bits calls transparent becomes alpha."""
    key = image.info.get("transparency")
    if key is None:
        return pixels
    remarks.append(KEY_COLOUR)
    opaque = (pixels != np.atleast_1d(key)).any(axis=2, keepdims=True)
    return np.concatenate([pixels, opaque * np.uint16(65535)], axis=2)


def _from_cmyk(image: Image.Image, remarks: list[str]) -> Image.Image:
    if profile := image.info.get("icc_profile"):
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
