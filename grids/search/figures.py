"""Figures of searches, as SVG files."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grids.search.decision import Drops, Group, Similarity


def search(
    similarity: Similarity,
    measured: Drops,
    order: Sequence[Group],
    solution: Sequence[Group],
    delta: float,
    path: Path,
) -> None:
    """Worst drop of each verified group against its mean distance.

    Args:
        order: verified groups in the order in which they were asked for; each has its number.
        solution: the final groups, drawn filled; empty while there are none.
        delta: drawn as a line.
        path: file to write.
    """
    figure, axes = _figure()
    symmetric = (similarity.distance + similarity.distance.T) / 2
    for group, drops in measured.items():
        worst = max(drops.values())
        if len(group) < 2 or not np.isfinite(worst) or not set(group) <= set(similarity.names):
            continue
        members = [similarity.names.index(name) for name in group]
        mean = np.mean([symmetric[pair] for pair in combinations(members, 2)])
        color = "tab:blue" if worst <= delta else "tab:red"
        axes.plot(mean, worst, "o", color=color, mfc=color if group in solution else "none")
        number = f"{order.index(group) + 1}. " if group in order else ""
        label = f"{number}{len(group)} members"
        axes.annotate(label, (mean, worst), (4, 4), textcoords="offset points", fontsize=7)
    axes.axhline(delta, color="grey", linestyle="--", linewidth=1)
    axes.annotate(
        f"δ = {delta:g} dB",
        (0, delta),
        (4, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=8,
    )
    axes.set(xlabel="mean distance S of the group", ylabel="worst drop in dB")
    axes.set_title("Verified groups in order; filled: in the solution", fontsize=9)
    _save(figure, path)


def frontier(table: pd.DataFrame, path: Path) -> None:
    """Number of groups against δ: a table of `grids.search.frontier`."""
    figure, axes = _figure()
    axes.step(table["delta"], table["verified"], where="post", color="tab:blue", label="verified")
    guess = table[table["open"] > 0]
    axes.plot(
        guess["delta"],
        guess["predicted"],
        "o",
        mfc="none",
        color="tab:orange",
        label="predicted, not all verified",
    )
    axes.set(xlabel="δ in dB", ylabel="groups")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    _save(figure, path)


def simulation(table: pd.DataFrame, x: str, path: Path) -> None:
    """Median trainings, rounds and mean groups of simulated searches against `x`.

    Args:
        table: summaries, one row for each strategy, requests per round and value of `x`:
            `strategy`, `requests`, `trainings`, `rounds`, `groups` and the column `x`.
    """
    figure = Figure(figsize=(9, 3), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, column in zip(panels, ("trainings", "rounds", "groups"), strict=True):
        for (strategy, requests), rows in table.groupby(["strategy", "requests"], sort=False):
            rows = rows.groupby(x, as_index=False)[column].mean()
            label = f"{strategy}, {requests} a round"
            axes.plot(rows[x], rows[column], "o-", markersize=3, label=label)
        axes.set(xlabel=x, ylabel=column, ylim=(0, None))
    panels[0].legend(fontsize=7)
    _save(figure, path)


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.5, 4), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Figure, path: Path) -> None:
    # Without a date and with fixed ids, so that the same data give the same file.
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "grids"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
