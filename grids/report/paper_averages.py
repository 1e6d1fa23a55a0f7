"""Mean distances of groups beside the nine that the paper quotes (GRIDS, Table 2)."""

import textwrap
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from grids.report import style
from grids.report.paper import QUOTED_AVERAGES
from grids.similarity.matrix import square


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """The quoted averages and ours: `group`, `paper`, `here`, `difference`, `std`.

    Args:
        table: the similarity matrix with at least the paper's eleven degradations.
    """
    distance, error = (square(table, column) for column in ("distance", "distance_std"))
    symmetric = (distance + distance.T) / 2
    rows = []
    for group, quoted in QUOTED_AVERAGES.items():
        here = np.mean([symmetric.loc[pair] for pair in combinations(group, 2)])
        errors = [error.loc[a, b] for a in group for b in group if a != b]
        rows.append(
            {
                "group": "+".join(group),
                "paper": quoted,
                "here": here,
                "difference": here - quoted,
                # Distances of one group share patches: their errors do not average out.
                "std": float(np.mean(errors)),
            }
        )
    return pd.DataFrame(rows)


def agreement(averages: pd.DataFrame) -> dict[str, float]:
    """How well the nine agree, and the worst that leaving one out makes of it.

    Returns:
        `spearman` (rank correlation) and `mean_absolute_error`, each also as `least_spearman` and
        `largest_error` over the nine choices of eight.
    """

    def both(rows: pd.DataFrame) -> tuple[float, float]:
        return (
            float(spearmanr(rows["paper"], rows["here"]).statistic),
            float(rows["difference"].abs().mean()),
        )

    spearman, error = both(averages)
    without_one = [both(averages.drop(index)) for index in averages.index]
    return {
        "spearman": spearman,
        "mean_absolute_error": error,
        "least_spearman": min(rho for rho, _ in without_one),
        "largest_error": max(off for _, off in without_one),
    }


def text(averages: pd.DataFrame) -> str:
    """The comparison as lines to read."""
    found = agreement(averages)
    lines = ["Mean distance of groups: the paper's and here", ""]
    lines += [f"{'paper':>6} {'here':>6} {'differs':>8}  group"]
    lines += [
        f"{row.paper:6.2f} {row.here:6.2f} {row.difference:+8.2f}  {_readable(row.group)}"
        for row in averages.itertuples()
    ]
    lines += [
        "",
        f"Spearman's rank correlation {found['spearman']:.3f} "
        f"(at least {found['least_spearman']:.3f} with any one left out)",
        f"mean absolute error {found['mean_absolute_error']:.2f} "
        f"(at most {found['largest_error']:.2f} with any one left out)",
    ]
    return "\n".join(lines) + "\n"


def figure(averages: pd.DataFrame) -> Figure:
    """Ours over the paper's, with the line of equality; a key tells the initials of the labels."""
    found = agreement(averages)
    drawn = style.new_figure(7.5, 6, "Mean distances of groups: the paper's and here")
    axes = drawn.subplots()
    ends = [averages[["paper", "here"]].min().min() - 0.2, averages[["paper", "here"]].max().max()]
    axes.axline((ends[0], ends[0]), slope=1, color=style.GREY, linewidth=0.8, label="equal")
    axes.errorbar(
        averages["paper"],
        averages["here"],
        yerr=averages["std"],
        linestyle="none",
        marker="o",
        color=style.BLUE,
    )
    axes.set_title(
        f"Spearman {found['spearman']:.2f}, mean absolute error {found['mean_absolute_error']:.2f}",
        color=style.GREY,
    )
    axes.set_xlabel("the paper's mean distance")
    axes.set_ylabel("mean distance here")
    axes.margins(0.12)
    names = sorted({name for group in averages["group"] for name in group.split("+")})
    key = ", ".join(f"{_initials(name)} = {style.readable(name)}" for name in names)
    drawn.supxlabel(textwrap.fill(key, 100), fontsize=8)
    labels = [_initials(group) for group in averages["group"]]
    style.label_points(axes, averages[["paper", "here"]].to_numpy(dtype=float), labels)
    return drawn


def _readable(group: str) -> str:
    return ", ".join(style.readable(name) for name in group.split("+"))


def _initials(group: str) -> str:
    """`gaussian_blur+jpeg` → GB·J."""
    words = ("".join(part[0].upper() for part in name.split("_")) for name in group.split("+"))
    return "·".join(words)
