"""How often the right model is chosen, what wrong choices cost, whether promises are kept."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import mannwhitneyu

from grids.report import style

RULES = {
    "paper": "the paper's rule",
    "discriminant": "default rule",
    "nearest": "nearest neighbours",
}
KINDS = {
    "whole": "whole photographs",
    "crop": "256×256 crops",
    "drawn": "crops, values as in training",
    "severity": "crops, milder to stronger",
    "severity_grey": "grey crops, milder to stronger",
    "mixed": "crops, two degradations",
    "clean": "undamaged",
    "real": "real damage, whole",
    "real_crop": "real damage, crops",
}
GAIN = "gain_db:"
MIX = f"{GAIN}mix"
ODD = {"clean", "unseen"}
# Worse than the input by more than this is harm.
HARM_DB = 0.5


def choices(decisions: pd.DataFrame) -> pd.DataFrame:
    """How good the choices of each rule are.

    Args:
        decisions: as `grids.selection.fitting.decisions.decisions` gives them.

    Returns:
        Per `kind` and `rule`: `right`, the share for which the group was chosen that was trained on
        the degradation (NaN where none was); `kept`, the share that is kept of the dB between the
        mix of all and the best choice for each photograph (`room_db`, the mean); `lost_db` against
        that choice.
    """
    gains = decisions.filter(like=GAIN).drop(columns=MIX)
    best = gains.max(axis=1)
    rows = []
    compared = decisions[~decisions["kind"].isin(ODD)].dropna(subset=MIX)
    for kind, part in compared.groupby("kind", sort=False):
        for rule in RULES:
            if part[rule].isna().any():
                continue
            chosen = pd.Series(
                [row[f"{GAIN}{row[rule]}"] for _, row in part.iterrows()], index=part.index
            )
            room = (best[part.index] - part[MIX]).mean()
            trained = part["group"].notna()
            rows.append(
                {
                    "kind": kind,
                    "rule": rule,
                    "right": (part[rule] == part["group"])[trained].mean(),
                    "kept": (chosen - part[MIX]).mean() / room if room else np.nan,
                    "lost_db": (best[part.index] - chosen).mean(),
                    "room_db": room,
                }
            )
    return pd.DataFrame(rows)


def promises(decisions: pd.DataFrame) -> pd.DataFrame:
    """Whether gains lie within the intervals that were promised.

    Returns:
        Per `kind`: `given`, the share of cases for which an interval could be told, and of these
        `within`, the share; `error_db`, the mean absolute error of the prediction; `width_db`, the
        mean width of the interval; `correlation` of prediction and gain.
    """
    table = decisions.assign(truth=_truth(decisions)).dropna(subset="truth")
    rows = []
    for kind, all_of_it in table.groupby("kind", sort=False):
        part = all_of_it[_given(all_of_it)]
        rows.append(
            {
                "kind": kind,
                "given": len(part) / len(all_of_it),
                "within": _within(part).mean(),
                "error_db": (part["truth"] - part["predicted_gain_db"]).abs().mean(),
                "width_db": (part["high_db"] - part["low_db"]).mean(),
                "correlation": part["truth"].corr(part["predicted_gain_db"]),
            }
        )
    return pd.DataFrame(rows)


def outcomes(decisions: pd.DataFrame) -> pd.DataFrame:
    """What becomes of photographs in the end, of which some are left as they are or refused.

    Returns:
        Per `kind`: shares `restored`, `left` and `refused`; `gain_db` in the mean, 0 where nothing
        was restored, beside that of the mix for all (`mix_db`) and of the best model, or none, for
        each (`best_db`); `harm`, the share that was made worse by more than 0.5 dB, and that by the
        mix (`mix_harm`).
    """
    table = decisions.assign(truth=_truth(decisions)).dropna(subset=["truth", MIX])
    rows = []
    for kind, part in table.groupby("kind", sort=False):
        gain = part["truth"].where(part["verdict"] == "restore", 0)
        rows.append(
            {
                "kind": kind,
                **_verdicts(part),
                "gain_db": gain.mean(),
                "mix_db": part[MIX].mean(),
                "best_db": part.filter(like=GAIN).max(axis=1).clip(lower=0).mean(),
                "harm": (gain < -HARM_DB).mean(),
                "mix_harm": (part[MIX] < -HARM_DB).mean(),
            }
        )
    return pd.DataFrame(rows)


def severities(decisions: pd.DataFrame) -> pd.DataFrame:
    """How the choice does from damage that hardly shows to more than the training has.

    Returns:
        Per `kind` and `strength` (see `grids.degrading.parameters.STRENGTHS`), of the cases that
        have one: `cases`, how many; `psnr_db`, the median PSNR of what is judged; `right` as of
        `choices`; `given` and `within` as of `promises`; the shares, gains and harm of `outcomes`.
    """
    table = decisions.assign(truth=_truth(decisions)).dropna(subset=["strength", "truth", MIX])
    table = table.sort_values("kind", kind="stable")
    rows = []
    for (kind, strength), part in table.groupby(["kind", "strength"], sort=False):
        gain = part["truth"].where(part["verdict"] == "restore", 0)
        given = _given(part)
        rows.append(
            {
                "kind": kind,
                "strength": strength,
                "cases": len(part),
                "psnr_db": part["psnr_db"].median(),
                "right": (part["discriminant"] == part["group"]).mean(),
                "given": given.mean(),
                "within": _within(part[given]).mean(),
                **_verdicts(part),
                "gain_db": gain.mean(),
                "mix_db": part[MIX].mean(),
                "harm": (gain < -HARM_DB).mean(),
                "mix_harm": (part[MIX] < -HARM_DB).mean(),
            }
        )
    return pd.DataFrame(rows)


def outsiders(steps: pd.DataFrame, by: Sequence[str] = ("kind", "degradation")) -> pd.DataFrame:
    """What becomes of photographs in all the steps that are planned for them.

    Args:
        steps: as `grids.selection.fitting.steps.Steps.table` gives them.
        by: columns that name a row.

    Returns:
        For each of these `cases`, how many; shares `restored`, `left` and `refused`; gains in the
        mean, 0 where nothing was restored, after the first step (`one_db`) and after all
        (`all_db`), beside that of the mix for all (`mix_db`); the shares that these made worse by
        more than 0.5 dB (`one_harm`, `all_harm`, `mix_harm`); of those restored `given`, the share
        for which an interval is told, none of several steps, and of these `within`.
    """
    rows = []
    for names, part in steps.groupby(list(by), sort=False):
        gains = {
            "one": part["steps_db"].map(lambda each: each[0] if len(each) else 0.0),
            "all": part["steps_db"].map(lambda each: each[-1] if len(each) else 0.0),
            "mix": part["mix_db"],
        }
        restored = part["verdict"] == "restore"
        told = restored & part["low_db"].notna()
        rows.append(
            {
                **dict(zip(by, names, strict=True)),
                "cases": len(part),
                **_verdicts(part),
                **{f"{way}_db": own.mean() for way, own in gains.items()},
                **{f"{way}_harm": (own < -HARM_DB).mean() for way, own in gains.items()},
                "given": told[restored].mean(),
                "within": gains["all"].between(part["low_db"], part["high_db"])[told].mean(),
            }
        )
    return pd.DataFrame(rows)


def recognition(decisions: pd.DataFrame) -> pd.DataFrame:
    """How well what no group was trained on is told from what one was.

    Returns:
        Per `degradation` of the kinds `clean` and `unseen`: the area under the ROC curve of the
        paper's least distance (`paper`) and of the odds that it is clean (`odds`) against all whole
        and cropped views at fixed values; `untouched`, the share that is left as it is or refused;
        and in the last row the share of known ones that is refused by mistake.
    """
    known = decisions[decisions["kind"].isin(("whole", "crop"))]
    odd = decisions[decisions["kind"].isin(ODD)]
    rows = [
        {
            "degradation": name,
            "paper": area(part["paper_distance"], known["paper_distance"]),
            "odds": area(part["odds"], known["odds"]),
            "untouched": (part["verdict"] != "restore").mean(),
        }
        for name, part in odd.groupby("degradation")
    ]
    mistaken = {
        "degradation": "known, refused by mistake",
        "untouched": (known["verdict"] == "refuse").mean(),
    }
    return pd.DataFrame([*rows, mistaken])


def area(positive: pd.Series, negative: pd.Series) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties half."""
    return float(mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative)))


def text(decisions: pd.DataFrame, steps: pd.DataFrame, test_set: str) -> str:
    """All measures as tables for people; arguments as of `choices` and `outsiders`."""
    chosen = choices(decisions)
    parts = [
        f"Choice of the group's model on {test_set}: "
        f"{decisions['photograph'].nunique()} photographs, {len(decisions)} cases",
        chosen.replace({"kind": KINDS, "rule": RULES}),
        "Promised gains of the first step: 90 % should lie within",
        promises(decisions).replace({"kind": KINDS}),
        "What becomes of them: left as they are where no gain can be counted on",
        outcomes(decisions).replace({"kind": KINDS}),
    ]
    if decisions["strength"].notna().any():
        parts += [
            "By strength: weak, medium and strong lie in thirds of the training's range, milder "
            "has half its least, stronger twice its most",
            severities(decisions).replace({"kind": KINDS}),
        ]
    if len(steps):
        parts += [
            "In all steps, what no group was trained for; nothing is promised of several",
            outsiders(steps).replace({"kind": KINDS}),
        ]
    if decisions["kind"].isin(ODD).any():
        parts += [
            "Out of distribution: area under the ROC curve, and what is not touched",
            recognition(decisions),
        ]
    lines = [
        part if isinstance(part, str) else part.round(3).to_string(index=False, na_rep="")
        for part in parts
    ]
    return "\n\n".join(lines) + "\n"


def choices_figure(decisions: pd.DataFrame) -> Figure:
    """What is chosen for each degradation: one panel a rule, whole photographs above crops."""
    groups = [name.removeprefix(GAIN) for name in decisions.filter(like=GAIN) if name != MIX]
    whole = decisions["kind"].isin(("whole", "real"))
    height = 1.6 + 0.6 * decisions.loc[whole, "degradation"].nunique()
    drawn = style.new_figure(12, height + 1.4, "Which group's model is chosen?")
    panels = drawn.subplots(2, len(RULES), squeeze=False)
    for line, kinds in zip(
        panels, (["whole", "real"], ["crop", "mixed", "real_crop"]), strict=True
    ):
        part = decisions[decisions["kind"].isin(kinds)]
        for panel, (rule, label) in zip(line, RULES.items(), strict=True):
            shown = part.dropna(subset=rule)
            if shown.empty:
                panel.set_axis_off()
                continue
            shares = pd.crosstab(shown["degradation"], shown[rule], normalize="index")
            order = sorted(shares.index, key=lambda name: ("+" in name, _rank(shown, name, groups)))
            shares = shares.reindex(index=order, columns=groups, fill_value=0)
            panel.imshow(shares, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
            for (y, x), share in np.ndenumerate(shares.to_numpy()):
                if share:
                    own = _group_of(shown, shares.index[y])
                    right = {"weight": "bold"} if groups[x] == own else {"color": style.RED}
                    look = right if own in groups else {}
                    panel.text(x, y, f"{share:.2f}", ha="center", va="center", fontsize=8, **look)
            panel.set_yticks(range(len(shares)), map(_label, shares.index), fontsize=8)
            panel.set_xticks(range(len(groups)), range(1, len(groups) + 1))
            panel.tick_params(length=0)
            panel.set_title(f"{label}\n{KINDS[kinds[0]]}")
    drawn.supxlabel(named_by_number(groups), fontsize=9)
    return drawn


def named_by_number(groups: Sequence[str]) -> str:
    """What the numbers of groups in a figure stand for, in lines."""
    names = [
        f"group {number}: {', '.join(map(style.readable, group.split('+')))}"
        for number, group in enumerate(groups, 1)
    ]
    return textwrap.fill("; ".join(names), 150)


def gains_figure(decisions: pd.DataFrame) -> Figure:
    """Gain over its prediction, in and out of the promised interval; one panel a kind."""
    table = decisions.assign(truth=_truth(decisions)).dropna(subset="truth")
    measured = promises(decisions).set_index("kind")
    kinds = [kind for kind in KINDS if kind in measured.index]
    drawn = style.new_figure(3 * len(kinds), 3.8, "Gains as predicted, and as they came out")
    panels = drawn.subplots(1, len(kinds), sharex=True, sharey=True, squeeze=False)[0]
    ends = (table["predicted_gain_db"].min(), table["predicted_gain_db"].max())
    for panel, kind in zip(panels, kinds, strict=True):
        part = table[(table["kind"] == kind) & _given(table)]
        inside = _within(part)
        panel.plot(ends, ends, color=style.GREY, linewidth=0.8)
        for chosen, color, label in (
            (inside, style.BLUE, "within the promise"),
            (~inside, style.RED, "outside"),
        ):
            panel.scatter(
                "predicted_gain_db", "truth", data=part[chosen], s=6, color=color, label=label
            )
        panel.set_title(f"{KINDS[kind]}\n{measured['within'][kind]:.0%} within")
    panels[0].set_ylabel("gain of the chosen model (dB)")
    panels[-1].legend(loc="lower right", fontsize=8)
    drawn.supxlabel("predicted gain (dB)", fontsize=10)
    return drawn


def _verdicts(part: pd.DataFrame) -> dict[str, float]:
    shares = part["verdict"].value_counts(normalize=True)
    return {
        "restored": shares.get("restore", 0.0),
        "left": shares.get("leave", 0.0),
        "refused": shares.get("refuse", 0.0),
    }


def _truth(decisions: pd.DataFrame) -> list[float]:
    """Gain of the model that would restore."""
    return [row[f"{GAIN}{row['model']}"] for _, row in decisions.iterrows()]


def _given(table: pd.DataFrame) -> pd.Series:
    return np.isfinite(table["high_db"] - table["low_db"])


def _within(table: pd.DataFrame) -> pd.Series:
    return table["truth"].between(table["low_db"], table["high_db"])


def _group_of(decisions: pd.DataFrame, degradation: str) -> str | None:
    group: str | None = decisions.loc[decisions["degradation"] == degradation, "group"].iloc[0]
    return group


def _rank(decisions: pd.DataFrame, degradation: str, groups: list[str]) -> tuple[int, str]:
    group = _group_of(decisions, degradation)
    return (groups.index(group) if group in groups else len(groups), degradation)


def _label(degradation: str) -> str:
    return ", then ".join(map(style.readable, degradation.split("+")))
