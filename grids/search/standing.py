"""What a folder of results says of its search."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from grids.base.errors import InputError
from grids.base.levels import WHOLE
from grids.jobs import places, schemas
from grids.search import plans as plan_files
from grids.search.contract import Group, Levels, Similarity, Trial, similarity_from
from grids.search.drops.measurements import drops, psnr
from grids.search.group_names import group_name


@dataclass(frozen=True)
class Search:
    """A search as its files tell it.

    Attributes:
        plans: the contents of the plan files, round by round.
        similarity: of the degradations to group, with affinities where they are measured.
        drops: measured drops in dB, of groups whose single-task models are all finished.
        errors: their standard errors.
        psnr: PSNR in dB of all models, those at lower levels among them.
    """

    plans: list[dict[str, Any]]
    similarity: Similarity
    drops: dict[Group, dict[str, float]]
    errors: dict[Group, dict[str, float]]
    psnr: Levels


def read(results: Path, backbone: str = "", test_set: str = "") -> Search:
    """Reads the search of a folder, finished or not.

    Args:
        results: the folder of results.
        backbone: network whose verifications are meant; empty: the search's.
        test_set: test set that they were measured on; empty: likewise.

    Raises:
        InputError: there is no search yet, nothing is verified that is meant, or a file is damaged.
    """
    plans = plan_files.walk(results)
    if not plans or not (results / places.SIMILARITY).is_file():
        raise InputError(f"{results}: no plan of a search yet (search/<round>.json)")
    backbone = backbone or plans[0]["backbone"]
    test_set = test_set or plans[0]["test_set"]
    found = places.found(results, places.VERIFICATION, backbone=backbone, test_set=test_set)
    # What was measured elsewhere is of the search's network.
    for name in plans[-1]["elsewhere"] if backbone == plans[0]["backbone"] else []:
        found += places.found(results, places.MEASUREMENT, group=name, test_set=test_set)
    levels = {WHOLE: found} | {
        level: places.found(
            results, places.LEVEL_VERIFICATION, level=level, backbone=backbone, test_set=test_set
        )
        for level in plans[0]["settings"].get("levels", [])
    }
    paths = [path for of_level in levels.values() for path in of_level]
    schemas.check(results, [results / places.SIMILARITY, *paths])
    trials = {}
    for level, of_level in levels.items():
        for path in of_level:
            table = pd.read_parquet(path)
            trials[Trial(tuple(sorted(table["degradation"].unique())), level)] = table
    tables = {trial.group: table for trial, table in trials.items() if trial.level == WHOLE}
    singles = {group[0] for group in tables if len(group) == 1}
    comparable = {group: table for group, table in tables.items() if singles.issuperset(group)}
    if not any(len(trial.group) == 1 for trial in trials):
        known = sorted(
            {
                f"{path.parent.parent.name} on {path.stem}"
                for path in places.found(results, places.VERIFICATION)
            }
        )
        raise InputError(
            f"{results}: no single-task model of {backbone} is verified on {test_set}; "
            f"there are: {', '.join(known) or 'none'}"
        )
    measured, errors = drops(comparable)
    distances = pd.read_parquet(results / places.SIMILARITY)
    path = places.at(results, places.AFFINITY, backbone=backbone)
    affinities = pd.read_parquet(path) if path.exists() else None
    similarity = similarity_from(distances, tuple(plans[0]["degradations"]), affinities)
    return Search(plans, similarity, measured, errors, psnr(trials))


def groups(names: Iterable[str], search: Search) -> list[Group]:
    """The groups of some names, those that are verified or single."""
    known = {group_name(group): group for group in search.drops}
    return [known[name] for name in names if name in known]
