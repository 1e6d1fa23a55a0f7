"""Degraded PIES: the clean patches, each under one degradation at its fixed parameters."""

import json
from typing import Any

import numpy as np
import pandas as pd

from grids.base import randomness
from grids.degrading import operators
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.similarity.pies import Patch

BATCH = 64


def degraded_patches(
    clean: list[Patch], name: str, parameters: dict[str, Any], seed: int
) -> tuple[list[Patch], pd.DataFrame]:
    """One degraded set, and per patch `psnr_db` against the clean one and `parameters` (JSON).

    Args:
        clean: the clean patches.
        name: the degradation.
        parameters: its fixed parameters.
        seed: seed of what is random in it.
    """
    keys = [randomness.key(seed, name, identifier, 0) for identifier, _ in clean]
    images = to_tensor(np.stack([patch for _, patch in clean]))
    slices = [slice(start, start + BATCH) for start in range(0, len(keys), BATCH)]
    degraded = np.concatenate(
        [to_bytes(operators.degrade(name, images[part], parameters, keys[part])) for part in slices]
    )
    measures = pd.DataFrame(
        {
            "psnr_db": [psnr(good, bad) for (_, good), bad in zip(clean, degraded, strict=True)],
            "parameters": [json.dumps(operators.drawn(name, parameters, key)) for key in keys],
        }
    )
    return list(zip((identifier for identifier, _ in clean), degraded, strict=True)), measures
