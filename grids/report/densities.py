"""The fitted generalized Gaussians over the histograms of the scores they were fitted to."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grids.report import style
from grids.similarity import ggd, law

COLUMNS = 4
POINTS = 201
FITTED = "fitted generalized Gaussian: shape α, standard deviation σ, ± standard errors"

Floats = NDArray[np.float64]


def histogram(counts: Floats, limit: float) -> tuple[Floats, Floats]:
    """Densities of the bins and their edges, from counts in equal bins over ± `limit`."""
    counts = np.asarray(counts, dtype=float)
    edges = np.linspace(-limit, limit, len(counts) + 1)
    return counts / counts.sum() / np.diff(edges), edges


def figure(fits: Mapping[str, pd.DataFrame]) -> Figure:
    """One panel a degradation, with the other laws in the background for comparison.

    Args:
        fits: for each degradation a row a replicate, the full set first: `alpha`, `sigma`, and in
            the first row `histogram` and `histogram_limit`.
    """
    lines = math.ceil(len(fits) / COLUMNS)
    drawn = style.new_figure(
        2.9 * COLUMNS, 2.4 * lines + 1.3, "Features of each degradation and the fitted law"
    )
    panels = drawn.subplots(lines, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    limit = max(table["histogram_limit"][0] for table in fits.values())
    x = np.linspace(-limit, limit, POINTS)
    laws = {name: law.density(x, t["alpha"][0], t["sigma"][0]) for name, t in fits.items()}
    # A bin of one count at the very end sets no scale.
    lowest = min(curve.min() for curve in laws.values())
    highest = max(curve.max() for curve in laws.values())
    for panel, (name, table) in zip(panels, fits.items(), strict=False):
        heights, edges = histogram(table["histogram"][0], table["histogram_limit"][0])
        panel.stairs(
            heights, edges, fill=True, color=style.SKY, label="scores of the patches' features"
        )
        for other in laws.values():
            panel.plot(x, other, color="#BBBBBB", linewidth=0.6, zorder=1.5)
        panel.plot([], [], color="#BBBBBB", linewidth=0.6, label="laws of the others")
        panel.plot(x, laws[name], color=style.RED, linewidth=1.6, label=FITTED)
        spread = ggd.halves(table)[["alpha", "sigma"]].std()
        panel.set_title(style.readable(name))
        panel.text(
            0.97,
            0.95,
            f"α {table['alpha'][0]:.3f} ± {spread['alpha']:.3f}\n"
            f"σ {table['sigma'][0]:.2f} ± {spread['sigma']:.2f}",
            transform=panel.transAxes,
            ha="right",
            va="top",
            fontsize=8,
        )
        panel.set_yscale("log")
        panel.minorticks_off()  # they take half of the time and tell little between powers of ten
        panel.set_ylim(lowest / 3, highest * 30)
    for panel in panels[len(fits) :]:
        panel.set_axis_off()
    for panel in panels[max(0, len(fits) - COLUMNS) : len(fits)]:
        panel.set_xlabel("principal-component score")
        panel.tick_params(labelbottom=True)
    drawn.supylabel("probability density (logarithmic)", fontsize=10)
    drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return drawn
