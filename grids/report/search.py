"""Figures of searches, as SVG files."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from grids.report import style
from grids.search.contract import Drops, Group, Similarity


def search(
    similarity: Similarity,
    measured: Drops,
    order: Sequence[Group],
    solution: Sequence[Group],
    delta: float,
    path: Path,
) -> None:
    """Worst drop of each verified group against its mean distance, with its number of members.

    Args:
        order: verified groups in the order in which they were asked for; each has its number.
        solution: the final groups, drawn filled; empty while there are none.
        delta: drawn as a line.
        path: file to write.
    """
    figure = style.new_figure(7, 5, "Verified groups, numbered as they were asked for")
    axes = figure.subplots()
    symmetric = (similarity.distance + similarity.distance.T) / 2
    points, labels = [], []
    for group, drops in measured.items():
        worst = max(drops.values())
        if len(group) < 2 or not np.isfinite(worst) or not set(group) <= set(similarity.names):
            continue
        members = [similarity.names.index(name) for name in group]
        mean = np.mean([symmetric[pair] for pair in combinations(members, 2)])
        color = style.BLUE if worst <= delta else style.RED
        axes.plot(mean, worst, "o", color=color, mfc=color if group in solution else "none")
        number = f"no. {order.index(group) + 1}: " if group in order else ""
        points.append((mean, worst))
        labels.append(f"{number}{len(group)} members")
    axes.axhline(
        delta, color=style.GREY, linestyle="--", linewidth=1, label=f"δ = {delta:g} dB", zorder=1
    )
    axes.margins(0.1)
    axes.set(xlabel="mean distance S of the group", ylabel="worst drop in dB")
    axes.set_title("filled: in the solution; blue: within δ", fontsize=9)
    figure.legend(loc="outside lower left", fontsize=8)
    if points:
        style.label_points(axes, np.array(points), labels, fontsize=8)
    style.save(figure, path)


def frontier(table: pd.DataFrame, delta: float, path: Path) -> None:
    """Number of groups against δ: a table of `grids.search.frontier`; a line marks the search's."""
    figure = style.new_figure(5.5, 4, "Groups for each δ")
    axes = figure.subplots()
    # As many groups beyond the last row as in it.
    end = table.tail(1).assign(delta=lambda last: last["delta"].clip(lower=delta))
    stairs = pd.concat([table, end])
    axes.step(stairs["delta"], stairs["verified"], where="post", color=style.BLUE, label="verified")
    guess = table[table["open"] > 0]
    axes.plot(
        guess["delta"],
        guess["predicted"],
        "o",
        mfc="none",
        color=style.ORANGE,
        label="predicted, not all verified",
    )
    axes.axvline(
        delta,
        color=style.GREY,
        linestyle="--",
        linewidth=1,
        label=f"the search's δ = {delta:g} dB",
        zorder=1,
    )
    axes.set(xlabel="δ in dB", ylabel="groups")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    style.save(figure, path)


def simulation(
    table: pd.DataFrame,
    x: str,
    path: Path,
    columns: Sequence[str] = ("trainings", "rounds", "groups"),
) -> None:
    """What simulated searches need against `x`, a panel for each of the columns.

    Args:
        table: one row for each strategy, requests per round, and value of the knobs (`n`,
            `correlation`): `strategy`, `requests`, the knobs, and the columns to draw. A knob
            other than `x` that has several values has a line for each.
        x: the knob that is drawn along.
        path: file to write.
        columns: what to draw.
    """
    figure = style.new_figure(9, 3.6, f"Simulated searches against {x}")
    others = [knob for knob in ("n", "correlation") if knob != x and knob in table]
    several = [knob for knob in others if table[knob].nunique() > 1]
    lines = table.groupby(["strategy", "requests", *several], sort=False)
    for axes, column in zip(figure.subplots(1, len(columns)), columns, strict=True):
        for (strategy, requests, *values), rows in lines:
            knobs = [f", {knob} {value:g}" for knob, value in zip(several, values, strict=True)]
            label = f"{strategy}, {requests} a round{''.join(knobs)}"
            rows = rows.sort_values(x)
            axes.plot(rows[x], rows[column], "o-", markersize=3, label=label)
        axes.set(xlabel=x, ylabel=column, ylim=(0, None))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7)
    style.save(figure, path)
