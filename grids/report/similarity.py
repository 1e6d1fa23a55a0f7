"""The similarity matrix for people: a heat map in the order of a clustering, and a map in 2-D."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import squareform

from grids.report import style
from grids.similarity.matrix import square

Floats = NDArray[np.float64]

COLOURS = "cividis"


def symmetric(distance: pd.DataFrame) -> Floats:
    """(S + Sᵀ)/2 with zeros on the diagonal, (n, n)."""
    values: Floats = (distance.to_numpy() + distance.to_numpy().T) / 2
    np.fill_diagonal(values, 0)
    return values


def clustering(distance: pd.DataFrame) -> Floats:
    """Average linkage of (S + Sᵀ)/2, (n − 1, 4) as SciPy has it, similar leaves side by side."""
    links: Floats = linkage(
        squareform(symmetric(distance), checks=False), method="average", optimal_ordering=True
    )
    return links


def classical_scaling(distance: Floats) -> Floats:
    """Points (n, 2) whose distances are near the given ones (n, n) (Torgerson, 1952).

    Signs are such that the largest coordinate of an axis is positive.
    """
    n = len(distance)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-centring @ distance**2 @ centring / 2)
    points: Floats = vectors[:, :-3:-1] * np.sqrt(values[:-3:-1].clip(min=0))
    largest = np.abs(points).argmax(axis=0)
    return points * np.where(points[largest, range(points.shape[1])] < 0, -1.0, 1.0)


def heat_map(table: pd.DataFrame) -> Figure:
    """Distances and their standard errors, with the dendrogram above.

    Args:
        table: all ordered pairs: `source`, `target`, `distance`, `distance_std`.
    """
    tree = dendrogram(links := clustering(square(table)), no_plot=True)
    distance, errors = (
        square(table, column).iloc[tree["leaves"], tree["leaves"]]
        for column in ("distance", "distance_std")
    )
    n = len(distance)
    side = 2 + 0.72 * n
    figure = style.new_figure(side + 1, side + 1.6, "Similarity of the degradations")
    above, axes = figure.subplots(
        2, sharex=True, height_ratios=[1.1, 0.72 * n], gridspec_kw={"hspace": 0.02}
    )
    _draw_dendrogram(above, tree, links)
    values = distance.to_numpy().copy()
    np.fill_diagonal(values, np.nan)
    image = axes.imshow(values, cmap=COLOURS, aspect="auto")
    for row in range(n):
        for column in range(n):
            if row != column:
                _write(axes, image, row, column, values, errors.to_numpy())
    names = [style.wrapped(name) for name in distance.index]
    axes.set_xticks(range(n), names, rotation=90)
    axes.set_yticks(range(n), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(
        "to degradation 2\nin each cell: S = log₁₀(KL(1‖2) + 10⁻⁵) + 5,\nand ± its standard error"
    )
    axes.set_ylabel("from degradation 1")
    figure.colorbar(
        image,
        ax=axes,
        label="distance S (smaller = more similar)",
        fraction=0.04,
        aspect=40,
    )
    return figure


def _write(
    axes: Axes, image: AxesImage, row: int, column: int, values: Floats, errors: Floats
) -> None:
    """The number of a cell with its standard error below, dark on light or light on dark."""
    red, green, blue, _ = image.cmap(image.norm(values[row, column]))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    colour = "white" if dark else "black"
    axes.text(
        column, row - 0.12, f"{values[row, column]:.2f}", ha="center", va="center", color=colour
    )
    axes.text(
        column,
        row + 0.24,
        f"±{errors[row, column]:.2f}",
        ha="center",
        va="center",
        color=colour,
        fontsize=7.5,
    )


def _draw_dendrogram(axes: Axes, tree: dict[str, Any], links: Floats) -> None:
    for x, y in zip(tree["icoord"], tree["dcoord"], strict=True):
        # SciPy puts leaf i at 10 i + 5.
        axes.plot((np.array(x) - 5) / 10, y, color=style.BLACK, linewidth=1)
    axes.set_ylim(0, links[:, 2].max() * 1.05)
    axes.set_ylabel("mean S\nat merge", fontsize=8)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.tick_params(axis="y", labelsize=8)
    axes.spines["bottom"].set_visible(False)


def map_in_two_dimensions(table: pd.DataFrame) -> Figure:
    """The degradations as points; near ones are similar. Lines lead to the most similar one.

    Args:
        table: all ordered pairs: `source`, `target`, `distance`.
    """
    distance = square(table)
    pairs = symmetric(distance)
    points = classical_scaling(pairs)
    shown = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    error = np.linalg.norm(shown - pairs) / np.linalg.norm(pairs)
    figure = style.new_figure(8, 7.5, "Map of the degradations")
    axes = figure.subplots()
    axes.set_title(
        "near = similar; a line leads from each to its most similar one, with their distance S",
        color=style.GREY,
    )
    nearest = np.where(np.eye(len(pairs)), np.inf, pairs).argmin(axis=1)
    for one, other in sorted({tuple(sorted(pair)) for pair in enumerate(nearest.tolist())}):
        ends = points[[one, other]]
        axes.plot(*ends.T, color="#BBBBBB", linewidth=1, zorder=1)
        if shown[one, other] < 0.1 * np.ptp(points):
            continue  # no room for a number
        x, y = ends.mean(axis=0)
        axes.text(
            x,
            y,
            f"{pairs[one, other]:.2f}",
            color=style.GREY,
            fontsize=8,
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.scatter(points[:, 0], points[:, 1], color=style.BLUE, s=45, zorder=3)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.15)
    axes.set_xlabel(
        f"units of S (distances in the map differ from S by {error:.0%}, root mean square)"
    )
    axes.set_ylabel("units of S")
    style.label_points(axes, points, [style.readable(name) for name in distance.index])
    return figure
