"""Contact sheets: pictures side by side with what is said of each, as PNG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from grids.images import decoding
from grids.images.decoding import Ints
from grids.restoring import photographs

# Longest side of a picture on a sheet; larger ones are reduced.
LONGEST = 1600
# A cell has room for words, however small the picture is.
NARROWEST = 280
GAP = 16
FONT_SIZE = 20
LINE = 26
PAPER, INK, RULE = (255, 255, 255), (32, 32, 32), (255, 255, 255)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Panel:
    """A picture (H, W, 3) on a sheet, and the lines below it."""

    pixels: Pixels
    lines: tuple[str, ...]


def upright(colour: Ints, orientation: int) -> Pixels:
    """A photograph's colours as they are shown: turned, in 8 bits."""
    return decoding.turned(decoding.eight_bits(colour), orientation)


def halves(before: Pixels, after: Pixels) -> Pixels:
    """The left half before and the right half after, with a white line between."""
    middle = before.shape[1] // 2
    picture = np.concatenate([before[:, :middle], after[:, middle:]], axis=1)
    rule = max(1, before.shape[1] // 400)
    picture[:, middle : middle + rule] = RULE
    return picture


def drawn(panels: Sequence[Panel], columns: int) -> Image.Image:
    """The sheet: panels of one size in rows, each with its lines below, broken where too long."""
    font = ImageFont.load_default(FONT_SIZE)
    height, width = panels[0].pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cell = max(size[0], NARROWEST)
    texts = [
        [part for line in panel.lines for part in _broken(line, font, cell)] for panel in panels
    ]
    below = LINE * max(map(len, texts)) + GAP
    rows = math.ceil(len(panels) / columns)
    whole = (GAP + columns * (cell + GAP), GAP + rows * (size[1] + below + GAP))
    sheet = Image.new("RGB", whole, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (panel, lines) in enumerate(zip(panels, texts, strict=True)):
        row, column = divmod(number, columns)
        left, top = GAP + column * (cell + GAP), GAP + row * (size[1] + below + GAP)
        picture = Image.fromarray(np.ascontiguousarray(panel.pixels))
        if scale < 1:
            picture = picture.resize(size, Image.Resampling.LANCZOS)
        sheet.paste(picture, (left, top))
        for index, line in enumerate(lines):
            draw.text((left, top + size[1] + GAP // 2 + index * LINE), line, INK, font)
    return sheet


def _broken(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """A line in parts that are no wider than so many pixels, cut at spaces and behind `+`."""
    parts, current = [], ""
    for word in line.replace("+", "+\0").replace(" ", " \0").split("\0"):
        if current and font.getlength((current + word).rstrip()) > width:
            parts.append(current.rstrip())
            current = ""
        current += word
    return [*parts, current.rstrip()]


def write(sheet: Image.Image, path: Path) -> None:
    """Writes a sheet; the path `-` is that of the standard output.

    Raises:
        InputError: the file cannot be written.
    """
    with photographs.writing(path) as file:
        sheet.save(file, "PNG")
