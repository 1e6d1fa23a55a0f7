"""Drop of every verified group over its mean distance: whether similar ones share a model well."""

import textwrap
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from grids.report import style
from grids.search.group_names import group_name

MARKS = ["feasible", "final", "mix"]


def points(found: Mapping[str, Any], similarity: pd.DataFrame) -> pd.DataFrame:
    """The verified groups of two and more, in order of verification, less those without a model.

    Args:
        found: content of `groups.json`.
        similarity: table of all pairs: `source`, `target`, `distance`.

    Returns:
        `group`, `size`, `distance` (mean over its pairs), `drop_db` and `drop_std_db` of its worst
        degradation (`worst`), `feasible`, `final` (it is one of the groups found) and `mix` (it is
        the group of all).
    """
    distance_of = similarity.set_index(["source", "target"])["distance"]
    final = {group["name"] for group in found["groups"]}
    mix = group_name(found["degradations"])
    rows = []
    for group in found["verified"]:
        if group["name"] in found["failed"]:
            continue
        worst = max(group["drop_db"], key=group["drop_db"].get)
        rows.append(
            {
                "group": group["name"],
                "size": len(group["degradations"]),
                "distance": distance_of[list(permutations(group["degradations"], 2))].mean(),
                "drop_db": group["drop_db"][worst],
                "drop_std_db": group["drop_std_db"][worst],
                "worst": worst,
                "feasible": group["feasible"],
                "final": group["name"] in final,
                "mix": group["name"] == mix,
            }
        )
    columns = ["group", "size", "distance", "drop_db", "drop_std_db", "worst"]
    table = pd.DataFrame(rows, columns=[*columns, *MARKS])
    return table.astype(dict.fromkeys(MARKS, bool))


def figure(found: Mapping[str, Any], similarity: pd.DataFrame) -> Figure:
    """Worst drop over mean distance, numbered in order of verification, with the line of δ.

    Args:
        found: content of `groups.json`.
        similarity: table of all pairs: `source`, `target`, `distance`.
    """
    table = points(found, similarity)
    delta = found["delta"]
    drawn = style.new_figure(9, 6.5, "Do similar degradations share a model well?")
    axes = drawn.subplots()
    axes.set_title(
        f"every group that was verified: {found['backbone']} on {found['test_set']}, "
        "numbered in order of verification",
        color=style.GREY,
    )
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    axes.axhline(delta, color=style.RED, linestyle="--", label=f"δ = {delta:g} dB")
    axes.errorbar(
        table["distance"],
        table["drop_db"],
        yerr=table["drop_std_db"].astype(float).fillna(0),
        linestyle="none",
        color="#BBBBBB",
        zorder=1,
    )
    other = ~table["final"] & ~table["mix"]
    for chosen, label, look in (
        (other & table["feasible"], "passes", {"color": style.SKY, "marker": "o", "s": 40}),
        (other & ~table["feasible"], "fails", {"color": style.ORANGE, "marker": "X", "s": 50}),
        (table["mix"] & ~table["final"], "mix of all", {"color": style.BLACK, "marker": "D"}),
    ):
        if chosen.any():
            axes.scatter("distance", "drop_db", data=table[chosen], label=label, zorder=2, **look)
    for number, group in table[table["final"]].iterrows():
        axes.scatter(
            group["distance"],
            group["drop_db"],
            color=style.BLUE,
            marker="*",
            s=170,
            zorder=2,
            label=f"group found: {number + 1} = {_members(found, group['group'])}",
        )
    alone = [group["name"] for group in found["groups"] if len(group["degradations"]) == 1]
    if alone:
        names = ", ".join(style.readable(name) for name in alone)
        axes.plot([], [], linestyle="none", label=f"alone: {names}")
    axes.margins(0.08)
    axes.set_xlabel("mean distance S between the group's degradations (smaller = more similar)")
    axes.set_ylabel(
        "largest drop of the group's model against\nthe single-task models (dB); lower is better"
    )
    drawn.legend(loc="outside lower left", fontsize=9)
    style.label_points(
        axes,
        table[["distance", "drop_db"]].to_numpy(dtype=float),
        [str(number) for number in range(1, len(table) + 1)],
    )
    return drawn


def _members(found: Mapping[str, Any], name: str) -> str:
    """The members of a group found; of many, the first few."""
    group = next(g["degradations"] for g in found["groups"] if g["name"] == name)
    return textwrap.shorten(" + ".join(map(style.readable, group)), 90, placeholder=" …")
