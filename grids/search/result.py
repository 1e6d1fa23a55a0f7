"""What the search found, for `groups.json`: the groups, what each costs, what it took to find them.

Drops and their standard errors are those of `grids.search.drops.measurements`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from grids.base.levels import WHOLE
from grids.search import costs
from grids.search.contract import Group, Trial, passes
from grids.search.drops import measurements
from grids.search.group_names import group_name

# δ below this many times the noise of a drop tells nothing.
LEAST_RATIO = 3


def summary(
    plans: Sequence[Mapping[str, Any]],
    verifications: Sequence[pd.DataFrame],
    reseeded: Sequence[pd.DataFrame],
    *,
    degradations: Sequence[str],
    backbone: str,
    test_set: str,
    models: str,
    levels: Sequence[int] = (),
    elsewhere: Collection[str] = (),
    trained_on: Sequence[str] = (),
    caution: str = "",
) -> dict[str, Any]:
    """The content of `groups.json`.

    Args:
        plans: all rounds of the search in order; the last one has the solution.
        verifications: one table for each training the search knew, those of singles among them.
        reseeded: verifications of single-task models that were trained with another seed.
        degradations: those to group.
        backbone: the network that the search trained.
        test_set: what drops were measured on.
        models: folder of the backbone's models.
        levels: of each verification, where the search asked for levels; empty: all to the end.
        elsewhere: names of the groups that were trained and measured elsewhere.
        trained_on: names of the photographs of the test set that are trained on as well.
        caution: a sentence about that, which ends the verdict.
    """
    last = plans[-1]
    delta = last["delta"]
    trials = [
        Trial(tuple(sorted(table["degradation"].unique())), level)
        for table, level in zip(verifications, levels or [WHOLE] * len(verifications), strict=True)
    ]
    tables = {
        trial.group: table
        for trial, table in zip(trials, verifications, strict=True)
        if trial.level == WHOLE
    }
    probability = last.get("why", {}).get("probability", {})
    drops, errors = measurements.drops(tables, partly=bool(levels))
    by_name = {group_name(group): group for group in tables}
    shared = [name for name, group in by_name.items() if len(group) > 1]
    known = [name for name in shared if len(drops[by_name[name]]) == len(by_name[name])]
    solution = sorted(last["solution"], key=lambda name: (-len(by_name[name]), name))
    noise = _noise(reseeded, tables)
    noise_db = math.sqrt(np.mean([n["difference_db"] ** 2 for n in noise])) if noise else None
    conclusive, verdict = judge(len(solution), len(degradations), delta, noise_db)
    verdict = _with_cautions(verdict, [n["degradation"] for n in noise], _below(delta, tables))
    if given := _given(last):
        beyond = sum(not passes(drops[by_name[name]], delta) for name in solution)
        lose = "loses" if beyond == 1 else "lose"
        verdict += f" {given}, not searched; {beyond} of them {lose} more than δ."
    if probability:
        verdict += _bounded(probability, last["settings"]["confidence"])
    if caution:
        verdict += f" {caution}"

    def measured(name: str) -> dict[str, Any]:
        group = by_name[name]
        return {
            "name": name,
            "degradations": list(group),
            "drop_db": {name: _rounded(drop) for name, drop in drops[group].items()},
            "drop_std_db": {name: _rounded(error) for name, error in errors[group].items()},
            "feasible": passes(drops[group], delta) if name not in probability else None,
            "origin": "measurements" if name in elsewhere else "trained",
        } | ({"probability": _rounded(probability[name])} if name in probability else {})

    def model(name: str) -> str | None:
        return None if name in elsewhere else f"{models}/{name}/model.safetensors"

    return {
        "verdict": verdict,
        "conclusive": conclusive,
        "delta": delta,
        "strategy": last["strategy"],
        "backbone": backbone,
        "test_set": test_set,
        "degradations": list(degradations),
        "rounds": last["round"],
        "trainings": {
            "single": sum(name not in elsewhere and (name,) in tables for name in degradations),
            "group": sum(name not in elsewhere for name in shared),
        }
        | (_short(trials, elsewhere, last["settings"]["decay"]) if levels else {}),
        "saved": _rounded(1 - len(solution) / len(degradations)),
        "trained_on": list(trained_on),
        "noise_db": None if noise_db is None else _rounded(noise_db),
        "noise_measured_on": noise,
        "groups": [measured(name) | {"model": model(name)} for name in solution],
        "all_solutions": last.get("why", {}).get("solutions", []),
        "failed": sorted(
            {
                group_name(trial.group)
                for trial, table in zip(trials, verifications, strict=True)
                if np.isneginf(table["psnr_db"]).any()
            }
        ),
        "verified": [
            measured(name) | {"round": number}
            for number, name in _in_order_of_request(known, plans)
        ],
    }


def _short(trials: Sequence[Trial], elsewhere: Collection[str], decay: float) -> dict[str, Any]:
    """Trainings up to a lower level, and what all trainings cost together in whole ones."""
    own = [trial for trial in trials if trial.name not in elsewhere]
    return {
        "short": sum(trial.level < WHOLE for trial in own),
        "cost": _rounded(costs.total(own, decay)),
    }


def _bounded(names: Collection[str], confidence: float) -> str:
    """What a verdict says of groups with members whose single-task models are not finished."""
    return (
        f" Bounded, not verified: {', '.join(sorted(names))}. Single-task models were not trained "
        "to the end for all of their degradations; that such a group loses at most δ has a "
        f"probability of at least {confidence:g}."
    )


def judge(groups: int, degradations: int, delta: float, noise_db: float | None) -> tuple[bool, str]:
    """Whether the outcome says anything about the degradations, and a sentence that says so.

    Args:
        groups: number of groups found, m.
        degradations: number of degradations, n.
        delta: the largest drop in dB that the search allowed.
        noise_db: noise of a drop; None if it was not measured.
    """
    found = f"{groups} group{'s' if groups > 1 else ''} for {degradations} degradations"
    reasons = []
    if noise_db is None:
        context = "the noise of a drop was not measured"
    else:
        ratio = delta / noise_db if noise_db else math.inf
        context = f"{ratio:.1f} times the noise of a drop, {noise_db:.2g} dB"
        if ratio < LEAST_RATIO:
            reasons.append(
                f"δ should be at least {LEAST_RATIO} times the noise of a drop to tell them apart"
            )
    if groups == 1:
        reasons.append("one model serves all within δ, so there was nothing to separate")
    if groups == degradations:
        reasons.append("no two degradations were found to share a model within δ")
    sentence = f"{found} at δ = {delta:g} dB ({context})"
    if reasons:
        sentence += f". This scale is inconclusive: {'; '.join(reasons)}"
    return not reasons, sentence + "."


def _given(plan: Mapping[str, Any]) -> str:
    """What of the groups the user gave, so that they need not be within δ; empty: nothing."""
    if plan["strategy"] == "given":
        return "The groups were given"
    if plan.get("settings", {}).get("number_of_groups"):
        return "The number of groups was given"
    return ""


def _below(delta: float, tables: Mapping[Group, pd.DataFrame]) -> list[str]:
    """Degradations on which the single-task model itself gains less than δ over its input."""
    singles = {group[0]: table for group, table in tables.items() if len(group) == 1}
    return [
        name
        for name, table in sorted(singles.items())
        if "input_psnr_db" in table and (table["psnr_db"] - table["input_psnr_db"]).mean() < delta
    ]


def _with_cautions(verdict: str, noise_of: Sequence[str], below: Sequence[str]) -> str:
    """The verdict with what weakens it: noise from one model, and a δ that nothing can exceed."""
    if len(noise_of) == 1:
        verdict += f" The noise was measured on one model alone, of {noise_of[0]}."
    if below:
        verdict += (
            f" On {', '.join(below)} the single-task model itself gains less than δ over its "
            "input, so that a model which does nothing would pass for it."
        )
    return verdict


def _in_order_of_request(
    groups: Sequence[str], plans: Sequence[Mapping[str, Any]]
) -> list[tuple[int | None, str]]:
    """Groups with the round that asked for each; first those that no round had to ask for."""
    asked = {name: plan["round"] for plan in plans for name in plan.get("requests", [])}
    unasked = sorted(name for name in groups if name not in asked)
    return [(None, name) for name in unasked] + [
        (number, name) for name, number in asked.items() if name in groups
    ]


def _noise(
    reseeded: Sequence[pd.DataFrame], tables: Mapping[Group, pd.DataFrame]
) -> list[dict[str, Any]]:
    """P of each model of another seed minus P of the single-task model it repeats."""
    noise = []
    for table in reseeded:
        (name,) = table["degradation"].unique()
        difference = table["psnr_db"].mean() - tables[name,]["psnr_db"].mean()
        noise.append({"degradation": name, "difference_db": _rounded(difference)})
    return noise


def _rounded(value: float) -> float | None:
    """To a millionth, for people's eyes; None where JSON has no number.

    That is for what one image cannot tell, and for a training that failed for good.
    """
    return None if not math.isfinite(value) else round(float(value), 6)
