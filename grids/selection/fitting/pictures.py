"""Pictures as people have them: reduced, drawn on, JPEG files, grey, hardly or badly damaged."""

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from grids.degrading.around import FULL, HALVED, Pixels, as_file
from grids.images.patches import BLOCK, SMALLEST
from grids.selection.fitting import drawings

# Reduced by up to so much: photographs are sharper the more they are reduced.
REDUCTION = 4.0
QUALITIES = (75, 95)
# Of the file that a damaged picture was saved as: cameras compress less than the web.
SAVED_QUALITIES = (85, 98)
# The wide ranges reach to so many times less and more than those of the training.
WIDTH = 2.0


@dataclass(frozen=True)
class Shares:
    """Shares of all views, 0 … 1, each drawn on its own; `alike` is one of the grey ones.

    Attributes:
        reduced: the photograph is reduced by 1 to 4 first, in proportion to what its size allows.
        compressed: it was a JPEG file of quality 75 to 95 before.
        grey: it is grey.
        alike: in so many of the grey ones, so is the damage: its noise is alike in all channels.
        wide: the numbers of the degradation come from ranges that reach from half to twice those of
            the training, drawn by their logarithms: as many mild ones as strong ones.
        cropped: up to seven rows and columns are cut off after the damage, so that blocks of JPEG
            do not begin at the corner.
        drawn: it has words, curves, shapes or a frame of its own, or is a drawing.
        saved: it was saved as a JPEG file of quality 85 to 98 after the damage, half of them with
            colours at half the resolution. A class is not told by that: all of them have such.
    """

    reduced: float
    compressed: float
    grey: float
    alike: float
    wide: float
    cropped: float
    drawn: float
    saved: float


@dataclass(frozen=True)
class Kind:
    """What one view is, as drawn.

    Attributes:
        reduction: by how much its photograph is reduced, 1 for not at all.
        quality: of the JPEG file that it was, None for none.
        grey, alike: whether the picture is grey, and whether its damage is as well.
        wide: whether the numbers of its degradation come from the wide ranges.
        cropped: rows and columns that are cut off at the top and on the left.
        drawn: seed of what is drawn on it, None for nothing.
        saved: quality and sampling of the JPEG file that it became, None for none.
    """

    reduction: float
    quality: int | None
    grey: bool
    alike: bool
    wide: bool
    cropped: tuple[int, int]
    drawn: int | None
    saved: tuple[int, int] | None


def drawn(shares: Shares, generator: np.random.Generator) -> Kind:
    """What a view is. The same numbers are drawn whatever the shares are."""
    reduced, by, compressed, grey, alike, wide = generator.uniform(size=6)
    quality = int(generator.integers(*QUALITIES, endpoint=True))
    cropped, top, left, drawn = generator.uniform(size=4)
    seed = int(generator.integers(2**32))
    saved, halved = generator.uniform(size=2)
    saved_quality = int(generator.integers(*SAVED_QUALITIES, endpoint=True))
    return Kind(
        reduction=REDUCTION**by if reduced < shares.reduced else 1.0,
        quality=quality if compressed < shares.compressed else None,
        grey=bool(grey < shares.grey),
        alike=bool(alike < shares.alike),
        wide=bool(wide < shares.wide),
        cropped=(int(top * BLOCK), int(left * BLOCK)) if cropped < shares.cropped else (0, 0),
        drawn=seed if drawn < shares.drawn else None,
        saved=(saved_quality, HALVED if halved < 0.5 else FULL) if saved < shares.saved else None,
    )


def source(photograph: Pixels, kind: Kind) -> Pixels:
    """The photograph (height, width, 3) as it came to people, still in colour.

    It is reduced no further than to what can be judged.
    """
    image = Image.fromarray(photograph)
    if kind.reduction > 1:
        by = max(1.0, min(kind.reduction, min(image.size) / SMALLEST))
        width, height = (max(SMALLEST, round(side / by)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    if kind.drawn is not None:
        image = Image.fromarray(
            drawings.drawn(np.asarray(image), np.random.default_rng(kind.drawn))
        )
    if kind.quality is not None:
        return as_file(np.asarray(image), kind.quality, HALVED)
    return np.asarray(image)


def wide(
    degradation: str, values: dict[str, Any], generator: np.random.Generator
) -> dict[str, Any]:
    """Numbers of a degradation from ranges that are wider than `values`, within what is possible.

    Args:
        degradation: a module's name, or that of a chain.
        values: its numbers or ranges for the training; of a chain, all its steps are widened.
        generator: of the draws, in the order of the steps and in alphabetical order of the names.
    """
    if "chain" in values:
        steps = [
            step | {"values": wide(step["degradation"], step["values"], generator)}
            for step in values["chain"]
        ]
        return values | {"chain": steps}
    # Of the module itself: what checks configurations knows it too, but is nothing that views are
    # made by, and an edit of it would make all of them again.
    declared: dict[str, Any] = importlib.import_module(
        f"grids.degradations.{degradation}"
    ).PARAMETERS
    return {
        name: _between(values[name], declared[name]["range"], generator) for name in sorted(values)
    }


def _between(
    value: Any, possible: tuple[float, float], generator: np.random.Generator
) -> float | int:
    low, high = value if isinstance(value, list) else (value, value)
    if low < 0:
        # A direction has no half and no twice: reversed, it is another one than in the training.
        return generator.uniform(low, high)
    least, most = max(low / WIDTH, possible[0]), min(high * WIDTH, possible[1])
    share = generator.uniform()
    # Nothing has a logarithm at 0.
    number = least * (most / least) ** share if least > 0 else most * share
    if isinstance(low, int):
        return int(np.clip(round(number), *possible))
    return float(np.clip(number, *possible))
