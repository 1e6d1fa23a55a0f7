"""PSNR as others measure it: of the luma alone, or without the border of the image.

Each way is named by its column: `psnr_y_db`, `psnr_crop4_db`, `psnr_y_crop4_db`.
"""

import re

import numpy as np

from grids.pixels.psnr import psnr

COLUMN = re.compile(r"psnr(?P<luma>_y)?(?:_crop(?P<border>[0-9]+))?_db")

BLACK = 16.0
PRIMARIES = (65.481, 128.553, 24.966)


def columns(y_channel: bool, crop_border: int) -> list[str]:
    """Names of the ways that are asked for besides `psnr_db`."""
    ways = [("_y", "")] if y_channel else []
    if crop_border:
        ways += [(y, f"_crop{crop_border}") for y in ("", "_y") if not y or y_channel]
    return [f"psnr{y}{crop}_db" for y, crop in ways]


def is_one(column: str) -> bool:
    """Whether a column is a PSNR."""
    return COLUMN.fullmatch(column) is not None


def way(column: str) -> tuple[bool, int]:
    """Whether a PSNR is of the luma, and the border it leaves out."""
    named = COLUMN.fullmatch(column)
    if named is None:
        raise ValueError(column)
    return bool(named["luma"]), int(named["border"] or 0)


def measured(column: str, reference: np.ndarray, image: np.ndarray) -> float:
    """PSNR in dB of (h, w, 3) uint8 RGB in the way that `column` names."""
    of_luma, border = way(column)
    inside = slice(border, -border or None)
    compared = [pixels[inside, inside] for pixels in (reference, image)]
    return psnr(*map(luma, compared)) if of_luma else psnr(*compared)


def luma(pixels: np.ndarray) -> np.ndarray:
    """(…, 3) uint8 RGB → (…): Y of BT.601, from 16 to 235, not rounded.

    As BasicSR's `test_y_channel` computes it, and MATLAB's `rgb2ycbcr` of floating point.
    """
    weighted: np.ndarray = pixels @ np.array(PRIMARIES) / 255
    return BLACK + weighted
