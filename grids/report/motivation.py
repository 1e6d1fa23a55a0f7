"""Figure 2 of the paper: what it costs to share a model with similar degradations, others, or all.

Of the numbers of Table 2 (`grids.report.table2`), with one model for all degradations beside them.
"""

import pandas as pd
from matplotlib.figure import Figure

from grids.report import style

# Whom a degradation shares a model with, and how it is drawn.
SHARING = {
    "higher": ("a group of high similarity", style.BLUE, "o"),
    "lower": ("a group of low similarity", style.ORANGE, "D"),
    "all": ("all degradations", style.RED, "s"),
}


def table(changes: pd.DataFrame, mix: pd.DataFrame) -> pd.DataFrame:
    """What each way of sharing changes on each degradation of Table 2.

    Args:
        changes: Table 2 in long form.
        mix: verification of the model of all degradations, on the same images.

    Returns:
        `degradation`, `sharing` (a key of `SHARING`), `groups` (how many models the mean is of) and
        `change_db`, the mean change in PSNR against the single-task model, positive for a gain. A
        degradation that the model of all has not been trained on has no such row.
    """
    grouped = (
        changes.rename(columns={"similarity": "sharing"})
        .groupby(["degradation", "sharing"])["change_db"]
        .agg(groups="size", change_db="mean")
        .reset_index()
    )
    single = changes.groupby("degradation")["single_db"].first()
    shared = (mix.groupby("degradation")["psnr_db"].mean() - single).dropna()
    alone = shared.rename("change_db").rename_axis("degradation").reset_index()
    return pd.concat([grouped, alone.assign(sharing="all", groups=1)], ignore_index=True)


def figure(table: pd.DataFrame, backbone: str, test_set: str) -> Figure:
    """The changes, degradations side by side, with the mean of each way of sharing as a line."""
    means = table.groupby("degradation")["change_db"].mean().sort_values(ascending=False)
    places = {name: place for place, name in enumerate(means.index)}
    drawn = style.new_figure(
        max(6, 2 + 0.8 * len(places)), 5, "What sharing a model costs, by what it is shared with"
    )
    axes = drawn.subplots()
    axes.set_title(f"{backbone} on {test_set}; lines are means", color=style.GREY)
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    for (sharing, (words, colour, marker)), shift in zip(
        SHARING.items(), (-0.2, 0, 0.2), strict=True
    ):
        own = table[table["sharing"] == sharing]
        axes.scatter(
            own["degradation"].map(places) + shift,
            own["change_db"],
            color=colour,
            marker=marker,
            label=f"with {words}",
        )
        axes.axhline(own["change_db"].mean(), color=colour, linestyle="--", linewidth=0.8)
    axes.set_xticks(range(len(places)), [style.wrapped(name) for name in places])
    axes.set_ylabel("PSNR − PSNR of the single-task model (dB)\nhigher is better")
    drawn.legend(loc="outside lower center", ncols=3)
    return drawn
