"""How far the law of degraded patches moves from that of the clean ones with the severity."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from grids.base import randomness
from grids.similarity import degraded_pies, features, ggd, matrix
from grids.similarity.pies import Patch


def distances(
    severities: Iterable[dict[str, Any]],
    degradation: str,
    clean: list[Patch],
    clean_law: pd.DataFrame,
    describe: Callable[[Tensor], Tensor],
    settings: Mapping[str, Any],
    seed: int,
    device: torch.device,
) -> pd.DataFrame:
    """A row a severity: `parameters` (JSON), `psnr_db`, `alpha`, `sigma`, and its distance.

    The distance has the columns of `grids.similarity.matrix.between`.

    Args:
        severities: all parameters of the degradation for each.
        degradation: its name.
        clean: the clean PIES patches.
        clean_law: their fits, as `grids.similarity.ggd.estimate` gives them.
        describe: the descriptor (see `grids.similarity.features`).
        settings: of `grids.similarity.ggd.estimate`.
        seed: of what is random in the degradation and of the half-samples.
        device: where features are computed.
    """
    rows = []
    for values in severities:
        patches, measures = degraded_pies.degraded_patches(clean, degradation, values, seed)
        pixels = np.stack([patch for _, patch in patches])
        estimate = ggd.estimate(
            features.gram(features.features(pixels, describe, device)),
            randomness.generator(randomness.key(seed, "half-samples")),
            **settings,
        )
        rows.append(
            {
                "parameters": json.dumps(values),
                "psnr_db": measures["psnr_db"].mean(),
                "alpha": estimate["alpha"][0],
                "sigma": estimate["sigma"][0],
                **matrix.between(clean_law, estimate),
            }
        )
    return pd.DataFrame(rows)
