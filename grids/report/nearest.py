"""Photographs beside the views of the fit that they are most like, for right and wrong choices."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grids.report import style
from grids.report.selection import ODD, named_by_number

# One of each degradation is shown in each of these kinds, all of which are crops, or can be.
SHOWN = ("drawn", "mixed", "clean", "unseen", "real_crop")
UNTOUCHED = {"leave": "left as it is", "refuse": "refused"}


def picked(decisions: pd.DataFrame) -> pd.DataFrame:
    """Of each degradation the first case that was chosen right, and the first that was not.

    What is undamaged or known to no group is right where it is not touched. Where nobody can say
    what would be right, there is one case.

    Args:
        decisions: as `grids.selection.fitting.decisions.decisions` gives them.

    Returns:
        Their rows, with `right`.
    """
    shown = decisions[decisions["kind"].isin(SHOWN)]
    known = shown["group"].notna()
    right = (shown["discriminant"] == shown["group"]).where(known, True)
    right = right.where(~shown["kind"].isin(ODD), shown["verdict"] != "restore")
    shown = shown.assign(right=right.astype(bool))
    return shown[~shown.duplicated(["degradation", "right"])]


def figure(shown: pd.DataFrame, groups: Sequence[str]) -> Figure:
    """A line a degradation: on the left what was chosen right, on the right what was not.

    Args:
        shown: as `picked` gives them, with their `picture` (64, 64, 3), uint8, and what
            `grids.selection.fitting.explained` says of them.
        groups: names in the order of the rule's.
    """
    names = list(dict.fromkeys(shown["degradation"]))
    width = 1 + max(map(len, shown["like"]))
    # The line below it is that of the first row's words, which the layout does not know.
    title = "What photographs are taken for, and why: rightly on the left, wrongly on the right\n"
    drawn = style.new_figure(12, 1.2 + 1.7 * len(names), title)
    panels = drawn.subplots(len(names), 2 * width, squeeze=False, gridspec_kw={"hspace": 0.3})
    for panel in panels.flat:
        panel.set_axis_off()
    for _, case in shown.iterrows():
        line = panels[names.index(case["degradation"])]
        of_it, *like_it = line[:width] if case["right"] else line[width:]
        steps = map(style.readable, case["degradation"].split("+"))
        _show(of_it, case["picture"], ",\nthen ".join(steps))
        # Longer than a picture, which would move the others away.
        of_it.text(
            *(0, 1.04, _said(case, groups)),
            transform=of_it.transAxes,
            fontsize=7.5,
            color=style.BLACK if case["right"] else style.RED,
            in_layout=False,
        )
        for panel, (name, picture) in zip(like_it, case["like"], strict=False):
            _show(panel, picture, f"like: {style.readable(name)}")
    drawn.supxlabel(named_by_number(groups), fontsize=8)
    return drawn


def _show(panel: Axes, picture: NDArray[np.uint8], label: str) -> None:
    panel.set_axis_on()
    panel.imshow(picture, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])
    for side in panel.spines.values():
        side.set_visible(False)
    panel.set_xlabel(label, fontsize=7.5, labelpad=2)


def _said(case: pd.Series, groups: Sequence[str]) -> str:
    number = {group: f"group {place}" for place, group in enumerate(groups, 1)}
    if case["verdict"] in UNTOUCHED:
        wrong = "" if case["right"] else f"taken for {number[case['discriminant']]}, "
        return f"{wrong}{UNTOUCHED[case['verdict']]}"
    return (
        f"restored as {number[case['discriminant']]},\n"
        f"told from {number.get(case['against'], 'no damage')} by "
        f"{', '.join(case['telling']) or 'nothing'}"
    )
