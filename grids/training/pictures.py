"""Training samples as people's pictures are: grey ones, and ones saved after their damage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from grids.degrading import around
from grids.pixels.arrays import to_bytes, to_tensor

# From what the web saves to what cameras do.
QUALITIES = (75, 98)
# Shares by which all samples are as the photographs are.
AS_TAKEN = {"grey": 0.0, "alike": 0.0, "saved": 0.0}


@dataclass(frozen=True)
class Kind:
    """What picture one sample is, besides damaged.

    Attributes:
        grey, alike: whether the photograph is grey, and whether its damage is as well.
        saved: quality and sampling of the JPEG file that it became, None for none.
    """

    grey: bool
    alike: bool
    saved: tuple[int, int] | None


PLAIN = Kind(grey=False, alike=False, saved=None)


def drawn_kind(shares: Mapping[str, float], generator: np.random.Generator) -> Kind:
    """What picture a sample is.

    Args:
        shares: of all samples those that are `grey` and that are `saved`, and of the grey ones
            those whose damage is grey: `alike`. Each 0 … 1, and drawn on its own.
        generator: of the draws, as many whatever the shares are.
    """
    grey, alike, saved, halved = generator.uniform(size=4)
    quality = int(generator.integers(*QUALITIES, endpoint=True))
    return Kind(
        grey=bool(grey < shares["grey"]),
        alike=bool(grey < shares["grey"] and alike < shares["alike"]),
        saved=(quality, around.HALVED if halved < 0.5 else around.FULL)
        if saved < shares["saved"]
        else None,
    )


def before_damage(crop: around.Pixels, kind: Kind) -> around.Pixels:
    """A clean crop (height, width, 3) as it is damaged, and to be restored."""
    return around.grey(crop) if kind.grey else crop


def after_damage(degraded: Tensor, kinds: Sequence[Kind]) -> Tensor:
    """Degraded crops (samples, 3, height, width) as they come to the network, changed in place.

    Those that change go through the CPU one by one, as JPEG does.
    """
    for crop, one in zip(degraded, kinds, strict=True):
        if one.alike or one.saved:
            pixels = to_bytes(crop)
            if one.alike:
                pixels = around.alike(pixels)
            if one.saved:
                pixels = around.as_file(pixels, *one.saved)
            crop.copy_(to_tensor(pixels))
    return degraded
