"""PIES of a degradation that is given as pairs: cut where textured clean patches lie."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grids.images.store import Pairs
from grids.pixels.psnr import psnr
from grids.similarity import pies
from grids.similarity.pies import Patch


def degraded_patches(
    pairs: Pairs,
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
        pairs: the images.
        identities: names the content of each clean image in the keys of randomness.
        patches, size, least_contrast, seed: see `grids.similarity.pies.clean_patches`.

    Raises:
        InputError: the clean images hold fewer such patches than asked for.
    """
    clean = pies.clean_patches(
        pairs.clean,
        identities,
        patches=patches,
        size=size,
        reduction=1,
        least_contrast=least_contrast,
        seed=seed,
    )
    degraded = [_same_place(pairs.degraded, identifier, size) for identifier, _ in clean]
    measures = pd.DataFrame(
        {
            "psnr_db": [psnr(good, bad) for (_, good), bad in zip(clean, degraded, strict=True)],
            "parameters": "{}",
        }
    )
    names = (f"pair_{identifier}" for identifier, _ in clean)
    return list(zip(names, degraded, strict=True)), measures


def _same_place(images: Sequence[np.ndarray], identifier: str, size: int) -> np.ndarray:
    number, y, x = map(int, identifier.split("_"))
    return np.array(images[number][y : y + size, x : x + size])
