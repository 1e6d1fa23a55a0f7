"""How a training went: loss, validation PSNR, learning rate and shares over its steps."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grids.base.errors import InputError
from grids.report import style
from grids.search.group_names import group_name


def figure(history: pd.DataFrame, backbone: str, group: Sequence[str]) -> Figure:
    """Three panels, one below the other, over the same steps; a fourth where shares change.

    Args:
        history: `step`, `loss`, `learning_rate`, `steps_per_second`, `memory_mib`,
            `validation_psnr_db` (may be missing throughout), `rollbacks`, and shares where they
            follow single-task models, as `grids.training.loop.train` returns them.
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
    shares = [name for name in group if f"share_{name}" in history]
    heights = [3, 3, 2, *([2] if shares else [])]
    drawn = style.new_figure(8, 1 + 0.75 * sum(heights), f"Training of {backbone}")
    panels = drawn.subplots(len(heights), sharex=True, height_ratios=heights)
    loss, psnr, rate, *below = panels
    loss.set_title(
        "\n".join(textwrap.wrap(f"on {names}", 100))
        + f"\n{history['steps_per_second'].median():.3g} steps a second (median), "
        f"at most {history['memory_mib'].max():,.0f} MiB",
        color=style.GREY,
    )
    loss.plot("step", "loss", data=history, color=style.BLUE, linewidth=1)
    loss.set_yscale("log")
    loss.set_ylabel("loss")
    measured = history.dropna(subset="validation_psnr_db")
    psnr.plot("step", "validation_psnr_db", data=measured, color=style.GREEN, marker=".")
    psnr.set_ylabel("PSNR of the\nvalidation patches (dB)")
    if measured.empty:
        psnr.text(0.5, 0.5, "not measured", transform=psnr.transAxes, ha="center")
    rate.plot("step", "learning_rate", data=history, color=style.ORANGE)
    rate.set_ylabel("learning rate")
    rate.set_ylim(bottom=0)
    for axes in below:
        for name in shares:
            axes.plot("step", f"share_{name}", data=history, label=style.readable(name))
        axes.set_ylabel("share of\nthe samples")
        axes.set_ylim(bottom=0)
        axes.legend()
    panels[-1].set_xlabel("step")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    for step in history["step"][history["rollbacks"].diff() > 0]:
        for axes in panels:
            axes.axvline(step, color=style.RED, linestyle="--", linewidth=0.8)
        loss.annotate("rolled back", (step, 1), xycoords=("data", "axes fraction"), va="top")
    return drawn
