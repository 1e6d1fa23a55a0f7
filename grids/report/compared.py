"""The whole of the paper's Table 1: all systems, the paper's numbers beside, and what they cost.

`grids.report.table1` tells of one network what sharing a model costs. Here its single-task models,
its mix of all and its groups are rows among those of other systems (`grids.report.systems`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray
from scipy.stats import rankdata

from grids.base.wording import counted
from grids.report import paper, style
from grids.report.systems import MARKS, Row
from grids.report.table1 import AVERAGE, POLICY, aligned

# Of the order of systems under the noise of their averages.
DRAWS = 2000
RANGE = (5, 95)


def means_of_a_kind(table: pd.DataFrame, kind: str) -> pd.Series:
    """PSNR by degradation of one row of `grids.report.table1.table`, without the average."""
    own = table[(table["row"] == kind) & (table["degradation"] != AVERAGE)]
    means: pd.Series = own.set_index("degradation")["psnr_db"]
    return means


def models_of_a_kind(table: pd.DataFrame, kind: str) -> int:
    """How many models stand behind one row of `grids.report.table1.table`."""
    groups = table.loc[table["row"] == kind, "group"].dropna()
    return {"single": len(groups), "mix": 1, "grouped": len(set(groups))}[kind]


def means_of(verification: pd.DataFrame) -> pd.Series:
    """PSNR by degradation of a verification."""
    means: pd.Series = verification.groupby("degradation")["psnr_db"].mean()
    return means


def table(rows: Sequence[Row], psnr: Sequence[pd.Series]) -> pd.DataFrame:
    """The table on one test set in long form.

    Args:
        rows: the systems.
        psnr: of each its PSNR by degradation; all have the same degradations.

    Returns:
        `row`, `degradation` (in the paper's order, others behind, then `average`), `psnr_db` and
        `paper_db` (NaN where the paper has none).
    """
    there = set(psnr[0].index)
    order = [name for name in paper.COLUMNS if name in there]
    order += sorted(there - {*order})
    parts = []
    for row, values in zip(rows, psnr, strict=True):
        theirs = paper.TABLE1[row.paper].by_degradation() if row.paper else {}
        part = pd.DataFrame(
            {
                "row": row.name,
                "degradation": order,
                "psnr_db": [float(values[name]) for name in order],
                "paper_db": [theirs.get(name, math.nan) for name in order],
            }
        )
        # Of fewer than the table's degradations, an average would be another number.
        means = part[["psnr_db", "paper_db"]].mean(skipna=False)
        part.loc[len(part)] = [row.name, AVERAGE, *means]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def costs(
    rows: Sequence[Row], models: Sequence[int], measured: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """What each system costs.

    Args:
        rows: the systems.
        models: how many models each has.
        measured: for each backbone what `grids.models.costs.measure` returns.

    Returns:
        `row`, `models`, and of one of them `parameters`, `gmacs`, `side`, `seconds_per_megapixel`,
        `peak_mib` (NaN for unknown), `device`, `threads`.
    """
    table = pd.DataFrame(
        [
            {"row": row.name, "models": count, **measured[row.backbone]}
            for row, count in zip(rows, models, strict=True)
        ]
    )
    return table.astype({"peak_mib": float})


@dataclass(frozen=True)
class Order:
    """How far the order of the systems is the paper's.

    Attributes:
        systems: how many are compared, by their averages over the degradations of both.
        spearman: rank correlation of the averages; NaN for fewer than three.
        noise_db: standard deviation of a system's average by the seed; None where not measured.
        least, most: between what the correlation lies in nine of ten draws of that noise.
    """

    systems: int
    spearman: float
    noise_db: float | None
    least: float
    most: float


def order(table: pd.DataFrame, noise_db: float | None) -> Order:
    """Compares the order of the systems by their averages with the paper's.

    Args:
        table: of one test set, in long form.
        noise_db: standard deviation of a system's average by the seed, None for unknown.
    """
    both = table[table["degradation"] != AVERAGE].dropna(subset=["psnr_db", "paper_db"])
    means = both.groupby("row")[["psnr_db", "paper_db"]].mean()
    ours, theirs = means["psnr_db"].to_numpy(), means["paper_db"].to_numpy()
    if len(means) < 3:
        return Order(len(means), math.nan, noise_db, math.nan, math.nan)
    found = float(_spearman(ours, theirs))
    if noise_db is None:
        return Order(len(means), found, None, math.nan, math.nan)
    noises = np.random.default_rng(0).normal(0, noise_db, (DRAWS, len(means)))
    least, most = np.percentile(_spearman(ours + noises, theirs), RANGE)
    return Order(len(means), found, noise_db, float(least), float(most))


def _spearman(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of ranks with `theirs` (n) of each row of `ours` (…, n)."""
    ranks, others = (rankdata(values, axis=-1) - (len(theirs) + 1) / 2 for values in (ours, theirs))
    correlations: NDArray[np.float64] = np.inner(ranks, others) / np.sqrt(
        np.square(ranks).sum(-1) * np.square(others).sum()
    )
    return correlations


def noise_of_an_average(repeated: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> float | None:
    """Standard deviation in dB of a system's average over its degradations by the seed.

    Args:
        repeated: verifications of two models that differ by their seed alone.

    Returns:
        Of two seeds' difference the root mean square over √2; None without such models.
    """
    differences = [means_of(again).mean() - means_of(once).mean() for once, again in repeated]
    return math.sqrt(np.mean(np.square(differences)) / 2) if differences else None


def text(
    rows: Sequence[Row],
    tables: Mapping[str, pd.DataFrame],
    costs: pd.DataFrame,
    orders: Mapping[str, Order],
    photographs: Mapping[str, int],
) -> str:
    """All of it to read.

    Args:
        rows: the systems.
        tables: by test set, in long form.
        costs: what they cost.
        orders: by test set.
        photographs: how many each image set has.
    """
    parts = []
    for test_set, table in tables.items():
        parts += [f"Table 1: all systems on {test_set}, PSNR in dB; the paper's below ours", ""]
        parts += [*_lines(rows, table, photographs, test_set), "", _verdict(orders[test_set]), ""]
    parts += [f"PSNR: {POLICY}", "The paper's are of 100 photographs of DIV2K-Valid.", ""]
    parts += [f"{mark}: {meant}." for mark, meant in MARKS.items()]
    notes = {row.paper: paper.TABLE1[row.paper].note for row in rows if row.paper}
    parts += [f"{name}: {note}." for name, note in notes.items() if note]
    parts += [f"{row.name}: trained on {', '.join(row.own)}." for row in rows if row.own]
    parts += ["", "What one model of each costs", "", *_cost_lines(costs), ""]
    side, ways = costs["side"].iloc[0], costs.groupby(["device", "threads"]).groups
    on = ", ".join(f"{device} with {counted(threads, 'thread')}" for device, threads in ways)
    parts += [
        f"GMACs and memory: of an image of {side}×{side}; multiplications with additions of "
        "convolutions and",
        f"products of matrices. Time and memory: {on}, float32.",
    ]
    return "\n".join(parts) + "\n"


def _lines(
    rows: Sequence[Row], table: pd.DataFrame, photographs: Mapping[str, int], test_set: str
) -> list[str]:
    """Two lines a system: its PSNR, and the paper's with what differs."""
    names = list(table["degradation"].unique())
    heads = [style.wrapped(name, 9).split("\n") for name in names]
    lines = [["", *words] for words in zip_longest(*heads, fillvalue="")]
    lines[0][0] = "System"
    for row in rows:
        own = table[table["row"] == row.name].set_index("degradation").loc[names]
        lines += [[], [row.name, *(_shown(value, ".2f") for value in own["psnr_db"])]]
        if row.paper:
            marks = ", ".join(row.differences(photographs, test_set))
            theirs = (_shown(value, ".2f") for value in own["paper_db"])
            lines.append([f"  paper{f' (other {marks})' if marks else ''}", *theirs])
    return aligned(lines, left=1)


def _cost_lines(costs: pd.DataFrame) -> list[str]:
    lines = [["System", "models", "parameters", "GMACs", "s/megapixel", "MiB"]]
    lines += [
        [
            row.row,
            f"{row.models}",
            f"{row.parameters:,}",
            f"{row.gmacs:.2f}",
            f"{row.seconds_per_megapixel:.2f}",
            _shown(row.peak_mib, ".0f"),
        ]
        for row in costs.itertuples()
    ]
    return aligned(lines, left=1)


def _verdict(order: Order) -> str:
    if math.isnan(order.spearman):
        return "Too few systems stand in the paper too for an order."
    said = f"Order of {order.systems} systems by their averages, Spearman with the paper's: "
    said += f"{order.spearman:+.2f}"
    if order.noise_db is None:
        return f"{said}; the noise of a training was not measured (report.compared, reseeded)."
    return (
        f"{said}; by the noise of a seed, {order.noise_db:.2f} dB of an average, it lies within "
        f"{order.least:+.2f} … {order.most:+.2f} in nine of ten draws."
    )


def _shown(value: float, how: str) -> str:
    return format(value, how) if value == value else "–"


def figure(tables: Mapping[str, pd.DataFrame], costs: pd.DataFrame) -> Figure:
    """Quality against cost: averages over the time of a megapixel, and over all parameters.

    Args:
        tables: by test set, in long form; each has a line of its own.
        costs: what the systems cost.
    """
    drawn = style.new_figure(11, 1 + 4.5 * len(tables), "Quality against cost")
    lines = drawn.subplots(len(tables), 2, sharey="row", squeeze=False)
    costs = costs.set_index("row")
    for (left, right), (test_set, table) in zip(lines, tables.items(), strict=True):
        means = table[table["degradation"] == AVERAGE].set_index("row")["psnr_db"]
        own = costs.loc[means.index]
        _scatter(left, own["seconds_per_megapixel"], means)
        left.set_xlabel("seconds per megapixel")
        left.set_ylabel(f"average PSNR on {test_set} (dB)\nhigher is better")
        _scatter(right, own["parameters"] * own["models"] / 1e6, means)
        right.set_xlabel("parameters of all its models (millions)")
    return drawn


def _scatter(axes: Axes, x: pd.Series, y: pd.Series) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.scatter(x, y, color=style.BLUE, s=24)
    axes.margins(0.25, 0.1)
    style.label_points(axes, np.column_stack([x, y]), list(y.index), fontsize=8)
