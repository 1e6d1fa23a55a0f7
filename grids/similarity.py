"""Distances between degradations from their fitted generalized Gaussians (GRIDS, Section 4.1)."""

import numpy as np
import pandas as pd

from grids import ggd

FLOOR = 1e-5


def distance(kl: np.ndarray) -> np.ndarray:
    """S = log10(KL + 1e-5) + 5: 0 for equal laws, 2 … 5 for the paper's degradations."""
    # The closed form of two equal laws may round to just below 0.
    return np.log10(np.maximum(kl, 0) + FLOOR) + 5


def matrix(fits: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The similarity matrix as a table of all ordered pairs.

    Args:
        fits: for each degradation a table with one row a replicate: `alpha`, `sigma`; row 0 is the
            full set of patches, the others are half-samples, the same for all degradations.

    Returns:
        `source`, `target`, `kl` (nats), `distance` and `distance_std`, its standard error from the
        half-samples; smaller is more similar, not symmetric.
    """
    rows = []
    for source, p in fits.items():
        for target, q in fits.items():
            divergence = ggd.kl(*(t[c].to_numpy() for t in (p, q) for c in ("alpha", "sigma")))
            distances = distance(divergence)
            rows.append(
                {
                    "source": source,
                    "target": target,
                    "kl": max(float(divergence[0]), 0.0),
                    "distance": float(distances[0]),
                    "distance_std": float(distances[1:].std(ddof=1)),
                }
            )
    return pd.DataFrame(rows)


def square(table: pd.DataFrame, column: str = "distance") -> pd.DataFrame:
    """A column of the table as a square frame, source by target, names in alphabetical order."""
    return (
        table.pivot(index="source", columns="target", values=column)
        .sort_index(axis=0)
        .sort_index(axis=1)
    )
