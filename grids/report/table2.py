"""Table 2 of the paper: does a group of more similar degradations lose less, for each feature?

An experiment has two groups of degradations, of high and of low similarity by the features of one
descriptor. The claim is that the model of the first changes more for the better, against the
single-task models, than that of the second.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grids.base.errors import InputError
from grids.report import style
from grids.report.descriptors import readable
from grids.report.experiments import SIDES, quoted
from grids.search.group_names import group_name

# A difference within this many times its noise says nothing.
BEYOND = 2

Experiments = Sequence[Mapping[str, Any]]
Verifications = Mapping[str, pd.DataFrame]


def table(experiments: Experiments, verifications: Verifications) -> pd.DataFrame:
    """The table in long form.

    Args:
        experiments: of each its `feature` (a descriptor's name) and the degradations that are
            `higher` and `lower` in similarity.
        verifications: of each group (see `grids.report.experiments.groups`) its
            `degradation`, `image` and `psnr_db`.

    Returns:
        `experiment` (from 1), `feature`, `similarity` (`higher` or `lower`), `group`,
        `degradation`, `single_db` and `group_db` (mean PSNR), `change_db` (their difference,
        positive where sharing gains), `std_db` (its standard error over the images) and `paper_db`
        (the change there; NaN for experiments of one's own).

    Raises:
        InputError: two models were measured on different images.
    """
    rows = []
    for number, one in enumerate(experiments, start=1):
        for side in SIDES:
            theirs = getattr(quoted(one), side, {})
            changes = _changes(one[side], verifications)
            for name in one[side]:
                rows.append(
                    {
                        "experiment": number,
                        "feature": one["feature"],
                        "similarity": side,
                        "group": group_name(one[side]),
                        "degradation": name,
                        "single_db": _psnr(name, name, verifications).mean(),
                        "group_db": _psnr(group_name(one[side]), name, verifications).mean(),
                        "change_db": changes[name].mean(),
                        "std_db": changes[name].sem(),
                        "paper_db": theirs.get(name, math.nan),
                    }
                )
    return pd.DataFrame(rows)


def claims(
    experiments: Experiments,
    verifications: Verifications,
    matrices: Mapping[str, pd.DataFrame],
    noise_db: float | None,
) -> pd.DataFrame:
    """What each experiment says of the claim, a row each.

    Args:
        experiments, verifications: as for `table`.
        matrices: of the descriptors that were measured here all ordered pairs: `source`, `target`,
            `distance`.
        noise_db: noise of one drop, from models that were trained with another seed; None where
            there are none.

    Returns:
        `experiment`, `feature`; `higher_db` and `lower_db`, the mean change of each group;
        `gap_db`, the first less the second, positive where the claim holds; `std_db`, its standard
        error over the images; `noise_db`, what other seeds would change it by, if each
        degradation's noise is its own; `beyond_noise`, whether the gap is more than twice both
        together; `paper_gap_db`; and the mean distances of both groups, `higher_distance` and
        `lower_distance`, each also as `paper_…`. NaN is unknown.

    Raises:
        InputError: two models were measured on different images.
    """
    rows = []
    for number, one in enumerate(experiments, start=1):
        means = {side: _changes(one[side], verifications).mean(axis=1) for side in SIDES}
        gaps = means["higher"] - means["lower"]
        if gaps.isna().any():
            raise InputError(
                f"experiment {number}: its groups were not measured on the same images"
            )
        share = sum(1 / len(one[side]) for side in SIDES)
        noise = math.nan if noise_db is None else noise_db * math.sqrt(share)
        error = math.hypot(*(part for part in (gaps.sem(), noise) if not math.isnan(part)))
        paper = quoted(one)
        theirs = [np.mean([*getattr(paper, side).values()]) for side in SIDES] if paper else []
        row = {
            "experiment": number,
            "feature": one["feature"],
            "higher_db": means["higher"].mean(),
            "lower_db": means["lower"].mean(),
            "gap_db": gaps.mean(),
            "std_db": gaps.sem(),
            "noise_db": noise,
            "beyond_noise": bool(abs(gaps.mean()) > BEYOND * error),
            "paper_gap_db": theirs[0] - theirs[1] if theirs else math.nan,
        }
        for place, side in enumerate(SIDES):
            row[f"{side}_distance"] = _distance(one[side], matrices.get(one["feature"]))
            known = paper.distances[place] if paper else None
            row[f"paper_{side}_distance"] = math.nan if known is None else known
        rows.append(row)
    return pd.DataFrame(rows)


def noise_of_a_drop(reseeded: Sequence[pd.DataFrame], verifications: Verifications) -> float | None:
    """Root mean square of the change in P by another seed; None without such models."""
    differences = [
        table["psnr_db"].mean() - verifications[name]["psnr_db"].mean()
        for table in reseeded
        for name in table["degradation"].unique()
    ]
    return math.sqrt(np.mean(np.square(differences))) if differences else None


def text(changes: pd.DataFrame, found: pd.DataFrame, backbone: str, test_set: str) -> str:
    """The table and what it says of the claim, as lines to read."""
    parts = [f"Table 2: {backbone} on {test_set}, change in dB against the single-task models", ""]
    for row in found.itertuples():
        parts.append(f"Experiment {row.experiment}, features of {readable(row.feature)}")
        own = changes[changes["experiment"] == row.experiment]
        for side in SIDES:
            distance = _shown(getattr(row, f"{side}_distance"), ".2f")
            theirs = _shown(getattr(row, f"paper_{side}_distance"), ".2f")
            parts.append(f"  {side} similarity, mean distance {distance} (paper {theirs})")
            parts += [
                f"    {style.readable(line.degradation):20} single {line.single_db:6.2f}"
                f"  group {line.group_db:6.2f}  change {line.change_db:+6.2f}"
                f" ± {_shown(line.std_db, '.2f')}  paper {_shown(line.paper_db, '+.2f')}"
                for line in own[own["similarity"] == side].itertuples()
            ]
        parts += [
            f"  higher − lower: {row.gap_db:+.2f} dB ± {_shown(row.std_db, '.2f')} over the images "
            f"± {_shown(row.noise_db, '.2f')} by the training, "
            f"{'beyond' if row.beyond_noise else 'within'} {BEYOND} times the noise; "
            f"paper {_shown(row.paper_gap_db, '+.2f')}",
            "",
        ]
    parts += ["The more similar group loses less:"]
    parts += [f"  {line}" for line in _verdicts(found)]
    if found["noise_db"].isna().all():
        parts.append("The noise of a training was not measured (report.noise_seeds).")
    return "\n".join(parts) + "\n"


def _verdicts(found: pd.DataFrame) -> list[str]:
    """A line a feature: in how many experiments the claim holds, here and in the paper."""
    lines = []
    for feature, rows in found.groupby("feature", sort=False):
        count, holds = len(rows), rows["gap_db"] > 0
        line = (
            f"{readable(feature)}: in {holds.sum()} of {count}, "
            f"{(holds & rows['beyond_noise']).sum()} beyond {BEYOND} times the noise"
        )
        there = rows.dropna(subset="paper_gap_db")
        if len(there):
            theirs = there["paper_gap_db"] > 0
            same = (theirs == (there["gap_db"] > 0)).sum()
            line += f"; in the paper in {theirs.sum()} of {len(there)}, the sign is ours in {same}"
        lines.append(line)
    return lines


def figure(changes: pd.DataFrame, found: pd.DataFrame, backbone: str, test_set: str) -> Figure:
    """Changes of each degradation and their means, the groups of an experiment side by side."""
    drawn = style.new_figure(
        max(6, 2 + 1.3 * len(found)), 5.5, "Do similar degradations lose less?"
    )
    axes = drawn.subplots()
    axes.set_title(f"Table 2: {backbone} on {test_set}", color=style.GREY)
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    for side, shift, colour in (("higher", -0.18, style.BLUE), ("lower", 0.18, style.ORANGE)):
        own = changes[changes["similarity"] == side]
        axes.scatter(own["experiment"] + shift, own["change_db"], color=colour, s=14, alpha=0.6)
        places = found["experiment"] + shift
        axes.scatter(
            places, found[f"{side}_db"], color=colour, marker="_", s=400, label=f"{side}, mean"
        )
        theirs = own.groupby("experiment")["paper_db"].mean()
        axes.scatter(
            places,
            theirs.reindex(found["experiment"]),
            facecolors="none",
            edgecolors=colour,
            marker="D",
            label=f"{side}, mean in the paper",
        )
    labels = [f"{row.experiment}\n{readable(row.feature)}" for row in found.itertuples()]
    axes.set_xticks(found["experiment"], labels)
    axes.set_xlabel("experiment and its features")
    axes.set_ylabel("PSNR of the group's model − single-task (dB)\nhigher is better")
    drawn.legend(loc="outside lower center", ncols=4, fontsize=9)
    return drawn


def _psnr(group: str, degradation: str, verifications: Verifications) -> pd.Series:
    """PSNR of a model on each image of a degradation."""
    table = verifications[group]
    psnr: pd.Series = table[table["degradation"] == degradation].set_index("image")["psnr_db"]
    return psnr


def _changes(group: Sequence[str], verifications: Verifications) -> pd.DataFrame:
    """PSNR of a group's model less the single-task ones: images by degradations."""
    own = group_name(group)
    columns = {
        name: _psnr(own, name, verifications) - _psnr(name, name, verifications) for name in group
    }
    changes = pd.DataFrame(columns)
    if changes.isna().any(axis=None):
        raise InputError(f"{own} and its single-task models were not measured on the same images")
    return changes


def _distance(group: Sequence[str], matrix: pd.DataFrame | None) -> float:
    """Mean distance over the ordered pairs of a group."""
    if matrix is None:
        return math.nan
    distances = matrix.set_index(["source", "target"])["distance"]
    return float(distances[list(permutations(group, 2))].mean())


def _shown(value: float, how: str) -> str:
    return "–" if math.isnan(value) else format(value, how)
