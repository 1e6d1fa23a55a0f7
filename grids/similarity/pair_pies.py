"""PIES of a degradation that is given as pairs: cut where textured clean patches lie."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grids.pixels.psnr import psnr
from grids.similarity import pies
from grids.similarity.pies import Patch


def degraded_patches(
    clean: Sequence[np.ndarray],
    degraded: Sequence[np.ndarray],
    identities: list[str],
    *,
    patches: int,
    size: int,
    least_contrast: float,
    seed: int,
) -> tuple[list[Patch], pd.DataFrame]:
    """One degraded set, and per patch `psnr_db` against its clean partner.

    The clean images choose the places, as photographs do for the clean set. Pairs are cut as they
    are, whatever the photographs are reduced by: a smaller image has less noise and less blur, it
    would be another degradation.

    Args:
        clean, degraded: (height, width, 3) uint8, in one order.
        identities: names the content of each clean image in the keys of randomness.
        patches, size, least_contrast, seed: see `grids.similarity.pies.clean_patches`.

    Raises:
        InputError: the clean images hold fewer such patches than asked for.
    """
    chosen = pies.clean_patches(
        clean,
        identities,
        patches=patches,
        size=size,
        reduction=1,
        least_contrast=least_contrast,
        seed=seed,
    )
    cut = [_same_place(degraded, identifier, size) for identifier, _ in chosen]
    measures = pd.DataFrame(
        {
            "psnr_db": [psnr(good, bad) for (_, good), bad in zip(chosen, cut, strict=True)],
            "parameters": "{}",
        }
    )
    names = (f"pair_{identifier}" for identifier, _ in chosen)
    return list(zip(names, cut, strict=True)), measures


def _same_place(images: Sequence[np.ndarray], identifier: str, size: int) -> np.ndarray:
    number, y, x = map(int, identifier.split("_"))
    return np.array(images[number][y : y + size, x : x + size])
