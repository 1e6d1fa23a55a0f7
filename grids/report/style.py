"""The look of all figures, and the names that people read in them.

Importing this module sets matplotlib's defaults: text in an SVG stays text, so that it can be
searched, and the same data give the same bytes.
"""

import os
import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from grids.base.files import appearing

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "grids",
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.labelsize": 10,
        "figure.titlesize": 13,
        "figure.titleweight": "bold",
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.h_pad": 0.08,
        "figure.constrained_layout.w_pad": 0.08,
        "savefig.facecolor": "white",
    }
)

# Okabe and Ito's palette, told apart by colour-blind eyes.
BLUE, SKY, ORANGE, GREEN, RED = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#D55E00"
BLACK, GREY, PALE = "#000000", "#767676", "#EFEFEF"

# Where a point's label may go: offset in points and alignment, the best first.
SIDES = (
    (8, 0, "left", "center"),
    (-8, 0, "right", "center"),
    (0, 8, "center", "bottom"),
    (0, -8, "center", "top"),
    (6, 6, "left", "bottom"),
    (6, -6, "left", "top"),
    (-6, 6, "right", "bottom"),
    (-6, -6, "right", "top"),
)
# And where the label of a point among others may go, with a line that leads to it.
FAR_SIDES = tuple((4 * dx, 4 * dy, ha, va) for dx, dy, ha, va in SIDES)

WORDS = {"gaussian": "Gaussian", "poisson": "Poisson", "jpeg": "JPEG", "sr": "SR"}
NAMES = {"r_l": "R-L", "salt_pepper_noise": "salt & pepper noise"}


def readable(name: str) -> str:
    """A degradation's name for people: `r_l` → R-L, `gaussian_blur` → Gaussian blur."""
    return NAMES.get(name) or " ".join(WORDS.get(word, word) for word in name.split("_"))


def wrapped(name: str, width: int = 10) -> str:
    """A readable name in lines of at most `width` characters where its words allow that."""
    return textwrap.fill(readable(name), width, break_long_words=False)


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of a size in inches. It needs no display and no global state."""
    figure = Figure((width, height))
    # How large a text is, is asked of the canvas, and the one that a figure has by itself makes a
    # page for each answer.
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes an SVG without dates and versions, whole or not at all."""
    with appearing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})


def label_points(
    axes: Axes, points: NDArray[np.float64], labels: Sequence[str], fontsize: float | None = None
) -> None:
    """Writes a label beside each point (n, 2), on the side with the least in its way.

    Where all sides of a point are taken, as by one that coincides with it, its label stands apart
    and a line leads to it. To be called last: it looks at the limits of the axes.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("axes without a figure have no room for labels")
    figure.draw_without_rendering()
    lines = [
        line.get_path().transformed(line.get_transform())
        for line in axes.lines
        if line.get_linestyle() != "None"
    ]
    # In pixels of the figure: what is there already, points first.
    places = axes.transData.transform(points)
    taken = [Bbox.from_extents(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    taken += [text.get_window_extent() for text in axes.texts]
    sides = (*SIDES, *FAR_SIDES)
    ends = np.array([side[:2] for side in sides]) * figure.dpi / 72
    starts = np.tile(ends[: len(SIDES)], (2, 1))
    for point, place, label in zip(points, places, labels, strict=True):
        choices = [
            axes.annotate(
                label,
                point,
                (dx, dy),
                textcoords="offset points",
                ha=ha,
                va=va,
                fontsize=fontsize,
            )
            for dx, dy, ha, va in sides
        ]
        boxes = [choice.get_window_extent().padded(1) for choice in choices]
        outside = [axes.bbox.count_contains(box.corners()) < 4 for box in boxes]
        # From beside the point, so that one which coincides with it is not in the way.
        leaders = [Path(place + line) for line in np.stack([starts, ends], axis=1)]
        crowded = [
            sum(3 * box.overlaps(other) + leader.intersects_bbox(other) for other in taken)
            + sum(line.intersects_bbox(box, filled=False) for line in lines)
            for box, leader in zip(boxes, leaders, strict=True)
        ]
        best = min(range(len(sides)), key=lambda side: (outside[side], crowded[side], side))
        taken.append(boxes[best])
        lines.append(leaders[best])
        for side, choice in enumerate(choices):
            if side != best:
                choice.remove()
        if sides[best] in FAR_SIDES:
            axes.annotate(
                "",
                point,
                sides[best][:2],
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.7, "shrinkB": 4},
            )
