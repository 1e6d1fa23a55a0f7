"""Whether the features of several descriptors order the pairs of degradations alike."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import rankdata, spearmanr

from grids.base.errors import InputError
from grids.report import style

NAMES = {"srresnet": "DDR (SRResNet)", "vgg": "VGG19", "sift": "SIFT"}


def readable(network: str) -> str:
    """A descriptor's name for people."""
    return NAMES.get(network, network)


def distances(matrices: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Distances of the ordered pairs of two different degradations (rows), a column a network.

    Args:
        matrices: of each network all ordered pairs: `source`, `target`, `distance`.

    Raises:
        InputError: the matrices are not of the same degradations.
    """
    columns = {
        name: table[table["source"] != table["target"]].set_index(["source", "target"])["distance"]
        for name, table in matrices.items()
    }
    joined = pd.DataFrame(columns).sort_index()
    if joined.isna().any(axis=None):
        raise InputError("the descriptors' matrices are not of the same degradations")
    return joined


def agreement(matrices: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`first`, `second` and `spearman`, the rank correlation of the distances off the diagonal."""
    joined = distances(matrices)
    return pd.DataFrame(
        [
            {
                "first": first,
                "second": second,
                "spearman": float(spearmanr(joined[first], joined[second]).statistic),
            }
            for first, second in combinations(joined.columns, 2)
        ],
        columns=["first", "second", "spearman"],
    )


def figure(matrices: Mapping[str, pd.DataFrame]) -> Figure:
    """Ranks of the pairs with one descriptor over those with another, a panel two descriptors.

    Raises:
        InputError: there is only one.
    """
    if len(matrices) < 2:
        raise InputError("one descriptor compares with no other; name more in descriptor.compared")
    joined, compared = distances(matrices), agreement(matrices)
    drawn = style.new_figure(1 + 4 * len(compared), 4.8, "Do other features order alike?")
    panels = np.atleast_1d(drawn.subplots(1, len(compared)))
    for axes, row in zip(panels, compared.itertuples(), strict=True):
        axes.axline((1, 1), slope=1, color=style.GREY, linewidth=0.8)
        axes.scatter(
            rankdata(joined[row.first]), rankdata(joined[row.second]), color=style.BLUE, s=12
        )
        axes.set_title(f"Spearman {row.spearman:.2f}", color=style.GREY)
        axes.set_xlabel(f"rank with {readable(row.first)}\n(1 = most similar)")
        axes.set_ylabel(f"rank with {readable(row.second)}")
        axes.set_box_aspect(1)
    return drawn
