"""How a training went: loss, validation PSNR and learning rate over its steps."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grids.base.errors import InputError
from grids.report import style
from grids.search.group_names import group_name


def figure(history: pd.DataFrame, backbone: str, group: Sequence[str]) -> Figure:
    """Three panels, one below the other, over the same steps.

    Args:
        history: `step`, `loss`, `learning_rate`, `steps_per_second`, `memory_mib`,
            `validation_psnr_db` (may be missing throughout) and `rollbacks`, as
            `grids.training.loop.train` returns them.
        backbone: the network.
        group: the degradations it was trained on.

    Raises:
        InputError: there are no steps, since the training failed for good.
    """
    if history.empty:
        raise InputError(
            f"the training on {group_name(group)} failed for good (`grids status` says why): "
            "no steps to draw"
        )
    names = ", ".join(style.readable(name) for name in group)
    drawn = style.new_figure(8, 7, f"Training of {backbone}")
    loss, psnr, rate = drawn.subplots(3, sharex=True, height_ratios=[3, 3, 2])
    loss.set_title(
        "\n".join(textwrap.wrap(f"on {names}", 100))
        + f"\n{history['steps_per_second'].median():.3g} steps a second (median), "
        f"at most {history['memory_mib'].max():,.0f} MiB",
        color=style.GREY,
    )
    loss.plot("step", "loss", data=history, color=style.BLUE, linewidth=1)
    loss.set_yscale("log")
    loss.set_ylabel("loss (mean L1)")
    measured = history.dropna(subset="validation_psnr_db")
    psnr.plot("step", "validation_psnr_db", data=measured, color=style.GREEN, marker=".")
    psnr.set_ylabel("PSNR of the\nvalidation patches (dB)")
    if measured.empty:
        psnr.text(0.5, 0.5, "not measured", transform=psnr.transAxes, ha="center")
    rate.plot("step", "learning_rate", data=history, color=style.ORANGE)
    rate.set_ylabel("learning rate")
    rate.set_ylim(bottom=0)
    rate.set_xlabel("step")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    for step in history["step"][history["rollbacks"].diff() > 0]:
        for axes in (loss, psnr, rate):
            axes.axvline(step, color=style.RED, linestyle="--", linewidth=0.8)
        loss.annotate("rolled back", (step, 1), xycoords=("data", "axes fraction"), va="top")
    return drawn
