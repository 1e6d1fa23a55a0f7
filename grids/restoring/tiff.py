"""TIFF files of 8 or 16 bits a channel, which Pillow cannot write in colour, and their tags."""

import zlib
from typing import BinaryIO

import numpy as np
from PIL import ExifTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

Base = ExifTags.Base

HEADER = b"II*\0\x08\0\0\0"
BYTES_IN_STRIP = 1 << 20
DEFLATE, DIFFERENCES, BLACK_IS_ZERO, RGB, UNASSOCIATED_ALPHA = 8, 2, 1, 2, 2
XMP, PHOTOSHOP, IPTC, PAGE_NAME = 700, 34377, 33723, 285

# What tells of colours, size, camera and author, and holds for the restored pixels too.
NOTES = (
    *(Base.DocumentName, Base.ImageDescription, Base.Make, Base.Model, Base.Software),
    *(Base.XResolution, Base.YResolution, Base.ResolutionUnit, PAGE_NAME, Base.DateTime),
    *(Base.Artist, Base.HostComputer, Base.Copyright, IPTC, PHOTOSHOP, Base.InterColorProfile),
)
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def notes(image: TiffImageFile) -> ImageFileDirectory_v2:
    """The tags of an opened TIFF file that go over to a restored one; XMP is left out."""
    tags = ImageFileDirectory_v2()
    for tag in NOTES:
        if tag in image.tag_v2:
            tags.tagtype[tag] = image.tag_v2.tagtype[tag]
            tags[tag] = image.tag_v2[tag]
    for tag in DIRECTORIES:
        if directory := image.getexif().get_ifd(tag):
            tags[tag] = directory
    return tags


def write(file: BinaryIO, pixels: np.ndarray, tags: ImageFileDirectory_v2, xmp: bytes) -> None:
    """Writes an image.

    Args:
        file: gets the bytes.
        pixels: (H, W, C) of uint8 or uint16; grey, grey and alpha, RGB or RGBA.
        tags: notes; those about the pixels are added to them.
        xmp: packet of XMP.
    """
    height, width, channels = pixels.shape
    rows = max(1, BYTES_IN_STRIP // (width * channels * pixels.dtype.itemsize))
    strips = [_strip(pixels[top : top + rows]) for top in range(0, height, rows)]
    sizes = [len(strip) for strip in strips]
    tags[Base.ImageWidth] = width
    tags[Base.ImageLength] = height
    tags[Base.BitsPerSample] = (8 * pixels.dtype.itemsize,) * channels
    tags[Base.Compression] = DEFLATE
    tags[Base.PhotometricInterpretation] = RGB if channels > 2 else BLACK_IS_ZERO
    tags[Base.SamplesPerPixel] = channels
    tags[Base.Predictor] = DIFFERENCES
    if channels in (2, 4):
        tags[ExifTags.Base.ExtraSamples] = UNASSOCIATED_ALPHA
    tags[Base.RowsPerStrip] = rows
    tags[Base.StripByteCounts] = tuple(sizes)
    # Counted from the end of the directory, behind which the strips are written.
    tags[Base.StripOffsets] = tuple(np.cumsum([0, *sizes[:-1]]).tolist())
    tags[XMP] = xmp
    file.write(HEADER)
    file.write(tags.tobytes(len(HEADER)))
    file.writelines(strips)


def _strip(pixels: np.ndarray) -> bytes:
    differences = pixels.astype(pixels.dtype.newbyteorder("<"))
    differences[:, 1:] -= pixels[:, :-1]
    return zlib.compress(differences.tobytes())
