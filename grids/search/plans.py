"""The plan files of a search, `search/<round>.json`, and which of them are one search.

A search that is planned anew, with another δ say, begins with round 0 again and leaves the later
files of the old one where they are until it comes to them.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from grids.base.errors import InputError

# As workflow/scripts/plan.py writes them.
SAME = ["strategy", "backbone", "test_set", "degradations", "delta", "settings", "elsewhere"]
KEYS = {"round", "known", "why", *SAME}


def read(path: Path) -> dict:
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


def walk(results: Path) -> list[dict]:
    """The plans of the search that is under way or over, round by round; none: not begun.

    Args:
        results: the folder of the results.

    Raises:
        InputError: one of the files is no plan.
    """
    plans: list[dict] = []
    while (path := results / "search" / f"{len(plans)}.json").exists():
        plan = read(path)
        if plans and not _follows(plan, plans[-1]):
            break
        plans.append(plan)
        if "solution" in plan:
            break
    return plans


def _follows(plan: Mapping, before: Mapping) -> bool:
    """Whether a plan was made after another one, with the groups verified that it asked for."""
    known = {*before["known"], *before["requests"]}
    return known == {*plan["known"]} and all(plan[key] == before[key] for key in SAME)
