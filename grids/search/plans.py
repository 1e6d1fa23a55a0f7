"""The plan files of a search, `search/<round>.json`, and which of them are one search.

A search that is planned anew, with another δ say, begins with round 0 again and leaves the later
files of the old one where they are until it comes to them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.jobs import places
from grids.search.contract import Requests, Solution
from grids.search.group_names import group_name

# What the plans of one search share.
SAME = ["strategy", "backbone", "test_set", "degradations", "delta", "settings", "elsewhere"]
KEYS = {"round", "known", "why", *SAME}


def made(
    answer: Requests | Solution,
    *,
    round: int,
    strategy: str,
    backbone: str,
    test_set: str,
    degradations: Sequence[str],
    settings: Mapping[str, Any],
    elsewhere: Sequence[str],
    known: Iterable[str],
) -> dict[str, Any]:
    """The content of a plan file.

    Args:
        answer: of the strategy.
        round: which.
        strategy, backbone, test_set, degradations: of the search.
        settings: what the strategy was told (see `grids.search.contract.SearchSettings`).
        elsewhere: names of groups that were measured elsewhere.
        known: names of what was known (`grids.search.contract.Trial`), besides baselines.
    """
    return {
        "round": round,
        "strategy": strategy,
        "backbone": backbone,
        "test_set": test_set,
        "degradations": degradations,
        "delta": settings["delta"],
        "settings": settings,
        "elsewhere": elsewhere,
        "known": sorted(known),
        **_answer(answer),
        "why": answer.why,
    }


def _answer(answer: Requests | Solution) -> dict[str, list[str]]:
    if isinstance(answer, Solution):
        return {"solution": [group_name(group) for group in answer.groups]}
    return {"requests": [trial.name for trial in answer.trials]}


def write(path: Path, plan: Mapping[str, Any]) -> None:
    """Writes a plan file, at once."""
    with appearing(path) as temporary:
        temporary.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """The content of a plan file.

    Raises:
        InputError: the file is no plan, or not all of one.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        plan = None
    if (
        isinstance(plan, dict)
        and plan.keys() >= KEYS
        and ("requests" in plan or "solution" in plan)
    ):
        return plan
    raise InputError(f"{path}: not a plan (damaged?); delete it and run again")


def walk(results: Path) -> list[dict[str, Any]]:
    """The plans of the search that is under way or over, round by round; none: not begun.

    Args:
        results: the folder of the results.

    Raises:
        InputError: one of the files is no plan.
    """
    plans: list[dict[str, Any]] = []
    while (path := places.at(results, places.PLAN, round=len(plans))).exists():
        plan = read(path)
        if plans and not _follows(plan, plans[-1]):
            break
        plans.append(plan)
        if "solution" in plan:
            break
    return plans


def _follows(plan: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a plan was made after another one, with the groups verified that it asked for."""
    known = {*before["known"], *before["requests"]}
    return known == {*plan["known"]} and all(plan[key] == before[key] for key in SAME)
