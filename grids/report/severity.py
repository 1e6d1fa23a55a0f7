"""Distance from the clean patches against the severity of each degradation."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from grids.report import style

COLUMNS = 4


def varied(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Parameters that differ between the severities, each with its values."""
    values = [json.loads(text) for text in table["parameters"]]
    return {
        name: [step[name] for step in values]
        for name in values[0]
        if any(step[name] != values[0][name] for step in values)
    }


def figure(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """One panel a degradation, from mild to strong.

    Args:
        tables: for each degradation one row a severity: `parameters` (JSON), `psnr_db`, `distance`
            and `distance_std` from the clean patches.
    """
    lines = math.ceil(len(tables) / COLUMNS)
    drawn = style.new_figure(
        2.9 * COLUMNS, 2.5 * lines + 0.8, "Distance from clean patches against severity"
    )
    panels = drawn.subplots(lines, COLUMNS, sharey=True, squeeze=False).ravel()
    for panel, (name, table) in zip(panels, tables.items(), strict=False):
        steps = range(len(table))
        panel.errorbar(
            steps, table["distance"], yerr=table["distance_std"], color=style.BLUE, marker="o"
        )
        parameters = varied(table)
        labels = [
            "\n".join(f"{value:g}" for value in step)
            for step in zip(*parameters.values(), strict=True)
        ]
        panel.set_xticks(steps, labels)
        panel.set_xlabel(" / ".join(parameters))
        panel.set_title(style.readable(name))
    for panel in panels[len(tables) :]:
        panel.set_axis_off()
    drawn.supylabel("distance S from clean (larger = less similar)", fontsize=10)
    return drawn
