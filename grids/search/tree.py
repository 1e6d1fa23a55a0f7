"""What a folder of results says of its search."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from grids import layouts
from grids.errors import InputError
from grids.names import group_name
from grids.search.decision import Group, Similarity, similarity_from
from grids.search.measurements import drops


@dataclass(frozen=True)
class Search:
    """A search as its files tell it.

    Attributes:
        plans: the contents of the plan files, round by round.
        similarity: of the degradations to group.
        drops: measured drops in dB.
        errors: their standard errors.
    """

    plans: list[dict]
    similarity: Similarity
    drops: dict[Group, dict[str, float]]
    errors: dict[Group, dict[str, float]]


def read(results: Path, backbone: str = "", test_set: str = "") -> Search:
    """Reads the search of a folder, finished or not.

    Args:
        results: the folder of results.
        backbone: network whose verifications are meant; empty: the plan's, or the only one.
        test_set: test set that they were measured on; empty: likewise.

    Raises:
        InputError: there is no search yet, or several backbones or test sets to choose from.
    """
    files = sorted((results / "search").glob("*.json"), key=lambda path: int(path.stem))
    if not files or not (results / "similarity.parquet").is_file():
        raise InputError(f"{results}: no plan of a search yet (search/<round>.json)")
    plans = _up_to_the_solution(json.loads(path.read_text(encoding="utf-8")) for path in files)
    backbone = backbone or plans[0].get("backbone", "")
    test_set = test_set or plans[0].get("test_set", "")
    found = sorted(results.glob(f"verify/{backbone or '*'}/*/{test_set or '*'}.parquet"))
    _only("backbone", {path.parts[-3] for path in found})
    _only("test set", {path.stem for path in found})
    layouts.check(results, [results / "similarity.parquet", *found])
    tables = {}
    for name in plans[-1].get("elsewhere", []):
        found += results.glob(f"measurements/{name}/{test_set}.parquet")
    for path in found:
        table = pd.read_parquet(path)
        tables[tuple(sorted(table["degradation"].unique()))] = table
    singles = {group[0] for group in tables if len(group) == 1}
    comparable = {group: table for group, table in tables.items() if singles.issuperset(group)}
    measured, errors = drops(comparable)
    names = {name for group in comparable for name in group}
    similarity = similarity_from(
        pd.read_parquet(results / "similarity.parquet"), tuple(plans[0].get("degradations", names))
    )
    return Search(plans, similarity, measured, errors)


def groups(names: Iterable[str], search: Search) -> list[Group]:
    """The groups of some names, those that are verified or single."""
    known = {group_name(group): group for group in search.drops}
    return [known[name] for name in names if name in known]


def _up_to_the_solution(plans: Iterable[dict]) -> list[dict]:
    """Later rounds are left over from a search with other settings."""
    walked = []
    for plan in plans:
        walked.append(plan)
        if "solution" in plan:
            break
    return walked


def _only(what: str, found: set[str]) -> None:
    if len(found) > 1:
        option = f"--{what.replace(' ', '-')}"
        raise InputError(
            f"verified with more than one {what} ({', '.join(sorted(found))}); say {option}"
        )
