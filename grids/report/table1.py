"""Table 1 of the paper: single-task models, one model for all, and the grouped models."""

import html
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grids.base.errors import InputError
from grids.base.wording import counted
from grids.pixels import measures
from grids.report import style
from grids.search.group_names import group_name

AVERAGE = "average"

POLICY = "RGB, whole images, both rounded to 8 bits, no border cropped; equal images count 100 dB."

NO_OTHERS: Mapping[str, pd.DataFrame] = {}

ROWS = {
    "input": "degraded input",
    "single": "single-task (upper bound)",
    "mix": "mix of all (baseline)",
    "grouped": "grouped",
    "grouped_vs_single": "grouped − single-task",
    "grouped_vs_mix": "grouped − mix of all",
    "mix_vs_single": "mix of all − single-task",
}


def table(
    groups: Sequence[Sequence[str]], verifications: Sequence[pd.DataFrame], measure: str = "psnr_db"
) -> pd.DataFrame:
    """The table in long form.

    Args:
        groups: the degradations of each group, in the order of the columns.
        verifications: one table (`degradation`, `image`, `psnr_db`, `input_psnr_db`) for each
            single-task model, the model of all, and each group's. Each degradation has the same
            images in all of them; pairs have images of their own. Those that were measured
            elsewhere may lack `input_psnr_db`.
        measure: column of the verifications to show, for `psnr_db`.

    Returns:
        `row` (a key of ROWS), `degradation` (or `average`), `group` (its name), `psnr_db` (PSNR, or
        its difference, positive when the first named is better) and `std_db`, the standard error
        of a difference over the images (NaN for one image, and where `psnr_db` is none).

    Raises:
        InputError: the models were measured on different images.
    """
    tables = {group_name(v["degradation"].unique()): v for v in verifications}
    order = [name for group in groups for name in group]
    group_of = {name: group_name(group) for group in groups for name in group}
    psnr = {
        "input": _inputs(order, verifications, f"input_{measure}"),
        "single": _images(tables, {name: name for name in order}, measure),
        "mix": _images(tables, dict.fromkeys(order, group_name(order)), measure),
        "grouped": _images(tables, group_of, measure),
    }
    models = {row: values for row, values in psnr.items() if row != "input"}
    measured = pd.concat(models, axis=1, names=["model", "degradation"]).notna()
    if measured.T.groupby("degradation").nunique().gt(1).any(axis=None):
        raise InputError("the models were not measured on the same images; verify all on one set")
    rows = []
    for row in ROWS:
        first, _, second = row.partition("_vs_")
        values = psnr[first] - psnr[second] if second else psnr[first]
        means, errors = values.mean(), values.sem()
        means[AVERAGE], errors[AVERAGE] = means.mean(), _error_of_average(values)
        rows += [
            {
                "row": row,
                "degradation": name,
                "group": group_of.get(name),
                "psnr_db": mean,
                "std_db": errors[name] if second else float("nan"),
            }
            for name, mean in means.items()
        ]
    return pd.DataFrame(rows)


def _error_of_average(values: pd.DataFrame) -> float:
    """Standard error of the mean over the degradations (columns) from values per image (rows).

    On the same images they vary together, on others, those of pairs, independently.
    """
    sets: dict[tuple[bool, ...], list[str]] = {}
    for name, measured in values.notna().items():
        sets.setdefault(tuple(measured), []).append(name)
    errors = (values[names].sum(axis=1, min_count=1).sem() for names in sets.values())
    return math.hypot(*errors) / len(values.columns)


def _images(
    tables: Mapping[str, pd.DataFrame], model_of: Mapping[str, str], column: str
) -> pd.DataFrame:
    """A measure per image (rows) and degradation (columns), each from the model that it names."""
    return pd.DataFrame(
        {
            name: tables[model].query("degradation == @name").set_index("image")[column]
            for name, model in model_of.items()
        }
    )


def _inputs(
    order: Sequence[str], verifications: Sequence[pd.DataFrame], column: str
) -> pd.DataFrame:
    """PSNR of the degraded input per image and degradation; NaN where no table has it."""
    nothing = pd.DataFrame({"image": [], "degradation": [], column: []})
    tables = pd.concat([v for v in verifications if column in v] or [nothing])
    rows = tables.dropna(subset=column).drop_duplicates(["image", "degradation"])
    return rows.pivot(index="image", columns="degradation", values=column).reindex(columns=order)


def further(
    groups: Sequence[Sequence[str]], verifications: Sequence[pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """As `table`, for each other way to measure (`grids.pixels.measures`) of all verifications."""
    common = set.intersection(*(set(v.columns) for v in verifications)) - {"psnr_db"}
    return {
        column: table(groups, verifications, column)
        for column in sorted(filter(measures.is_one, common))
    }


def wide(table: pd.DataFrame, column: str = "psnr_db") -> pd.DataFrame:
    """The table as the paper prints it: a row a model or difference, a column a degradation."""
    order = table["degradation"].unique()
    return table.pivot(index="row", columns="degradation", values=column).loc[list(ROWS), order]


def joined(table: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The table in long form with two more columns of each other way to measure."""
    more = {}
    for measure, other in others.items():
        more[measure], more[measure.replace("psnr", "std")] = other["psnr_db"], other["std_db"]
    return table.assign(**more)


def sheet(table: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """As `wide`, with further rows for each other way to measure, named by its column."""
    more = [wide(other).rename(lambda row, m=m: f"{row} {m}") for m, other in others.items()]
    return pd.concat([wide(table), *more]).rename_axis("row")


def text(
    table: pd.DataFrame,
    found: Mapping[str, Any],
    backbone: str,
    test_set: str,
    paired: Collection[str] = (),
    others: Mapping[str, pd.DataFrame] = NO_OTHERS,
    tiled: int = 0,
) -> str:
    """The table for people, degradations below one another, with what the search found.

    Args:
        table: in long form.
        found: content of `groups.json`.
        backbone: the network of the table.
        test_set: its images.
        paired: degradations that were measured on pairs of their own instead.
        others: tables of other ways to measure, which follow.
        tiled: number of images that models restored in tiles, since memory did not hold them.
    """
    number_of = {
        name: str(number)
        for number, group in enumerate(found["groups"], start=1)
        for name in group["degradations"]
    }
    trainings = found["trainings"]
    searched = f"{found['backbone']} on {found['test_set']}"
    notes = [
        "Single: one model for each degradation (upper bound). Mix: one model for all (baseline).",
        "Grouped: one model for each group. vs single, vs mix: grouped minus that, positive when",
        "grouped is better, ± its standard error over the images. > δ: loses more than δ.",
        f"PSNR{' of the first table' if others else ''}: {POLICY}",
        "",
        found["verdict"],
        f"Searched with {searched}, strategy {found['strategy']}, rounds of requests: "
        f"{found['rounds']}, trainings: {trainings['single']} single-task and "
        f"{trainings['group']} of groups.",
        f"{counted(len(found['groups']), 'model')} instead of {len(found['degradations'])}: "
        f"{found['saved']:.0%} saved.",
    ]
    if tiled:
        images = counted(tiled, "image")
        notes.insert(4, f"Restored in tiles for lack of memory (column tile of verify/): {images}.")
    if own := [style.readable(name) for name in number_of if name in paired]:
        notes.insert(4, f"Measured on test pairs of its own, not on {test_set}: {', '.join(own)}.")
    title = f"Table 1: {backbone} on {test_set}, PSNR in dB"
    parts = [title, "", *_lines(table, number_of, found["delta"]), ""]
    for measure, other in others.items():
        parts += [described(measure), "", *_lines(other, number_of), ""]
    return "\n".join([*parts, *notes]) + "\n"


def described(measure: str) -> str:
    """Title of another way to measure."""
    of_luma, border = measures.way(measure)
    channels = "Y channel (BT.601, 16 to 235, not rounded)" if of_luma else "RGB"
    return f"PSNR in dB, {channels}, " + (
        f"a border of {counted(border, 'pixel')} cropped" if border else "no border cropped"
    )


def _lines(table: pd.DataFrame, number_of: Mapping[str, str], delta: float = math.inf) -> list[str]:
    """A line a degradation, with its group's number; a mark where it loses more than `delta`."""
    values, errors = wide(table).T, wide(table, "std_db").T
    lines = [
        ["Group", "Degradation", "Input", "Single", "Mix", "Grouped", "vs single", "vs mix", ""]
    ]
    for name, row in values.iterrows():
        number = number_of.get(name, "")
        if number != lines[-1][0]:
            lines.append([])
        beyond = name in number_of and -row["grouped_vs_single"] > delta
        lines.append(
            [
                number,
                style.readable(name),
                *(_shown(row[model]) for model in ("input", "single", "mix", "grouped")),
                *(
                    _signed(row[difference], errors.loc[name, difference])
                    for difference in ("grouped_vs_single", "grouped_vs_mix")
                ),
                "> δ" if beyond else "",
            ]
        )
    return aligned(lines, left=2)


def _shown(value: float) -> str:
    return f"{value:.2f}" if value == value else "–"


def _signed(value: float, error: float) -> str:
    return f"{value:+.2f}" + (f" ± {error:.2f}" if error == error else "")


def aligned(lines: Sequence[Sequence[str]], left: int) -> list[str]:
    """Cells in columns two spaces apart, the first `left` to the left, numbers to the right.

    A line without cells stays empty.
    """
    filled = [line for line in lines if line]
    widths = [max(map(len, column)) for column in zip(*filled, strict=True)]

    def spaced(line: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return [spaced(line) if line else "" for line in lines]


def page(text: str) -> str:
    """`text` as a page of HTML, for the report."""
    return (
        '<!DOCTYPE html>\n<meta charset="utf-8">\n<title>Table 1</title>\n'
        "<style>pre { white-space: pre-wrap }</style>\n"
        f"<pre>{html.escape(text)}</pre>\n"
    )


def figure(table: pd.DataFrame, delta: float, backbone: str, test_set: str) -> Figure:
    """What sharing costs on each degradation: grouped and mix of all against single-task.

    Args:
        table: in long form.
        delta: the largest drop in dB that the search allowed.
        backbone: the network of the table.
        test_set: its images.
    """
    values, errors = wide(table), wide(table, "std_db")
    names = list(values.columns)
    drawn = style.new_figure(
        max(7, 2.2 + 0.75 * len(names)), 5, "What sharing a model costs each degradation"
    )
    axes = drawn.subplots()
    axes.set_title(f"Table 1: {backbone} on {test_set}", color=style.GREY, pad=20)
    _shade_groups(axes, table)
    axes.axhline(0, color=style.BLACK, linewidth=0.8, label="single-task model of each")
    axes.axhline(-delta, color=style.RED, linestyle="--", label=f"−δ = −{delta:g} dB")
    for row, shift, colour, marker, label in (
        ("grouped_vs_single", -0.12, style.BLUE, "o", "grouped"),
        ("mix_vs_single", 0.12, style.ORANGE, "D", "mix of all"),
    ):
        axes.errorbar(
            [place + shift for place in range(len(names))],
            values.loc[row],
            # matplotlib draws no bar for 0, and refuses NaN.
            yerr=errors.loc[row].fillna(0),
            color=colour,
            marker=marker,
            linestyle="none",
            capsize=2,
            label=label,
        )
    axes.set_xticks(range(len(names)), [style.wrapped(name) for name in names])
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="x", length=0, labelsize=9)
    axes.set_ylabel("PSNR − PSNR of the single-task model (dB)\nhigher is better")
    axes.set_xlabel(f"PSNR: {POLICY}", fontsize=8, color=style.GREY)
    drawn.legend(loc="outside lower center", ncols=4)
    return drawn


def _shade_groups(axes: Axes, table: pd.DataFrame) -> None:
    """Bands behind the groups, their numbers above, and a line before the average."""
    columns = table.drop_duplicates("degradation").reset_index()
    axes.axvline(len(columns) - 1.5, color=style.GREY, linewidth=0.8)
    for number, (_, group) in enumerate(columns.groupby("group", sort=False), start=1):
        first, last = group.index[0] - 0.5, group.index[-1] + 0.5
        if number % 2:
            axes.axvspan(first, last, color=style.PALE, zorder=0, linewidth=0)
        axes.annotate(
            f"group {number}" if len(group) > 1 else f"{number}",
            ((first + last) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=style.GREY,
        )
