"""Before and after: a crop of each degradation of a group, degraded, restored and clean."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from grids.base import randomness
from grids.degrading import operators
from grids.images.store import NO_PAIRS, Pairs
from grids.models.restorers import restore
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.report.style import readable

COLUMNS = ("degraded", "restored", "clean")
SIDE = 128
GAP = 4
LINE = 16


def strip(
    network: nn.Module,
    group: Mapping[str, dict[str, Any]],
    photographs: Sequence[np.ndarray],
    seed: int,
    device: torch.device,
    pairs: Mapping[str, Pairs] = NO_PAIRS,
) -> Image.Image:
    """A row of three a degradation, with its name and the PSNR before and after above it.

    The first line has the headings of the columns.

    Args:
        network: the restorer, in evaluation mode, on `device`.
        group: degradations with their fixed parameters.
        photographs: (height, width, 3) uint8 arrays, at least 16 pixels a side; the crop is the
            middle of one, which differs from row to row.
        seed: seed of the degradations.
        device: where the network runs.
        pairs: those degradations of the group that are pairs instead of operators.
    """
    rows = []
    for number, (name, parameters) in enumerate(group.items()):
        clean = _middle(_in_turn(pairs[name].clean if name in pairs else photographs, number))
        if name in pairs:
            degraded = to_tensor(_middle(_in_turn(pairs[name].degraded, number)))[None]
        else:
            key = randomness.key(seed, name, "sample", number)
            degraded = operators.degrade(name, to_tensor(clean)[None], parameters, [key])
        restored = to_bytes(restore(network, degraded, device))[0]
        before = to_bytes(degraded)[0]
        gain = f"{psnr(clean, before):.1f} dB, restored {psnr(clean, restored):.1f} dB"
        text = f"{readable(name)}: {gain}"
        rows.append((text, [before, restored, clean]))
    width = 3 * SIDE + 4 * GAP
    height = LINE + len(rows) * (LINE + SIDE + GAP) + GAP
    picture = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for column, heading in enumerate(COLUMNS):
        middle = GAP + column * (SIDE + GAP) + SIDE // 2
        draw.text((middle, GAP), heading, "dimgrey", font, anchor="ma")
    for number, (text, images) in enumerate(rows):
        top = LINE + number * (LINE + SIDE + GAP) + GAP
        draw.text((GAP, top), text, "black", font)
        for column, pixels in enumerate(images):
            place = (GAP + column * (SIDE + GAP), top + LINE)
            picture.paste(Image.fromarray(np.ascontiguousarray(pixels)), place)
    return picture


def _in_turn(photographs: Sequence[np.ndarray], number: int) -> np.ndarray:
    return photographs[number % len(photographs)]


def _middle(photograph: np.ndarray) -> np.ndarray:
    top, left = (max(0, (length - SIDE) // 2) for length in photograph.shape[:2])
    return photograph[top : top + SIDE, left : left + SIDE]
