"""Distances between degradations from their fitted generalized Gaussians (GRIDS, Section 4.1)."""

import pandas as pd

from grids.similarity import ggd, law


def matrix(fits: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The similarity matrix as a table of all ordered pairs.

    Args:
        fits: for each degradation its law and those of its parts, as
            `grids.similarity.ggd.estimate` gives them; the parts are the same for all degradations.

    Returns:
        `source`, `target`, `kl` (nats), `distance` and `distance_std`, its standard error from the
        halves; smaller is more similar, not symmetric.
    """
    return pd.DataFrame(
        {"source": source, "target": target, **between(fits[source], fits[target])}
        for source in fits
        for target in fits
    )


def between(source: pd.DataFrame, target: pd.DataFrame) -> dict[str, float]:
    """`kl`, `distance` and `distance_std` from one set to another; arguments as for `matrix`."""
    halves = (pd.concat([fit.iloc[:1], ggd.halves(fit)]) for fit in (source, target))
    laws = (table[column].to_numpy() for table in halves for column in ("alpha", "sigma"))
    divergence = law.kl(*laws)
    distances = law.distance(divergence)
    return {
        "kl": max(float(divergence[0]), 0.0),
        "distance": float(distances[0]),
        "distance_std": float(distances[1:].std(ddof=1)),
    }


def square(table: pd.DataFrame, column: str = "distance") -> pd.DataFrame:
    """A column of the table as a square frame, source by target, names in alphabetical order."""
    return (
        table.pivot(index="source", columns="target", values=column)
        .sort_index(axis=0)
        .sort_index(axis=1)
    )
