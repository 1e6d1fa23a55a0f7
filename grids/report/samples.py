"""Before and after: a crop of each degradation of a group, degraded, restored and clean."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from grids.pixels.psnr import psnr
from grids.report.style import readable

COLUMNS = ("degraded", "restored", "clean")
SIDE = 128
GAP = 4
LINE = 16

Pixels = NDArray[np.uint8]


def strip(crops: Mapping[str, tuple[Pixels, Pixels, Pixels]]) -> Image.Image:
    """A row of three a degradation, with its name and the PSNR before and after above it.

    The first line has the headings of the columns.

    Args:
        crops: by degradation: degraded, restored and clean, (height, width, 3) of up to SIDE pixels
            a side.
    """
    width = 3 * SIDE + 4 * GAP
    height = LINE + len(crops) * (LINE + SIDE + GAP) + GAP
    picture = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for column, heading in enumerate(COLUMNS):
        middle = GAP + column * (SIDE + GAP) + SIDE // 2
        draw.text((middle, GAP), heading, "dimgrey", font, anchor="ma")
    for number, (name, (before, restored, clean)) in enumerate(crops.items()):
        top = LINE + number * (LINE + SIDE + GAP) + GAP
        gain = f"{psnr(clean, before):.1f} dB, restored {psnr(clean, restored):.1f} dB"
        draw.text((GAP, top), f"{readable(name)}: {gain}", "black", font)
        for column, pixels in enumerate((before, restored, clean)):
            place = (GAP + column * (SIDE + GAP), top + LINE)
            picture.paste(Image.fromarray(np.ascontiguousarray(pixels)), place)
    return picture
