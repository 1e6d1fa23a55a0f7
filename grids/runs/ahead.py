"""What a start says of the trainings ahead, before anything is submitted."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from grids.base.plugins import constant_of
from grids.jobs import places, records
from grids.runs import needed
from grids.runs.outdated import outdated
from grids.search.contract import Group

TRAININGS = ["train", "train_reseeded", "train_descriptor", "affinity"]
DISTANCES = ["clean_pies", "degraded_pies", "pair_pies", "ggd", "similarity"]
"""Rules of whose results the forecast depends; besides those of the search itself."""


def line(
    results: Path,
    settings: Mapping[str, Any],
    *,
    asked: Mapping[str, Any],
    brought: Mapping[Group, pd.DataFrame],
    expected: records.Expected,
) -> str:
    """How many trainings the search will need, and their hours; nothing where nothing is ahead.

    Args:
        results: the folder of the results.
        settings: see `grids.runs.needed`.
        asked: what the strategy will be told, with a tolerance that may be `uncertainty`.
        brought: verifications of models trained elsewhere on the search's test set.
        expected: today's parameters of a rule's job, as `grids.jobs.records.stale` takes it.
    """
    levels = ["train_level", "verify_level"] if needed.searches_levels(settings) else []
    made = outdated(results, expected, [*TRAININGS, *DISTANCES, *levels, "verify", "plan"])
    if (results / places.GROUPS).exists() and not made:
        return ""
    # Not above: a finished tree has no use for it.
    from grids.search import forecast

    search, report = settings["search"], settings["report"]
    backbone, elsewhere = search["backbone"], settings["elsewhere"]
    references = [
        places.at(results, places.MODEL, backbone=backbone, group=group)
        for group in needed.beforehand(settings)
        if group not in elsewhere
    ]
    seeds = [
        places.at(results, places.RESEEDED_MODEL, seed=seed, backbone=backbone, group=name)
        for seed, name in needed.reseeded(settings)
    ]
    uncounted = [
        f"the models of {name} for the report" for name in report["backbones"] if name != backbone
    ]
    descriptor = results / places.DESCRIPTOR
    missing = descriptor in made or not descriptor.exists()
    if settings["descriptor"]["weights"] == "trained" and missing:
        uncounted.append("the descriptor")
    return forecast.line(
        results,
        needed.searched(settings),
        brought,
        strategy_name=search["strategy"],
        asked=asked,
        backbone=backbone,
        test_set=search["test_set"],
        training_hours=settings["execution"]["training_hours"],
        besides={
            "of single-task models and of the mix of all": references,
            "with another seed": seeds,
            "of the mix of all, for affinities": _measuring(results, settings, made),
        },
        uncounted=uncounted,
        outdated=made,
    )


def _measuring(
    results: Path, settings: Mapping[str, Any], made: Collection[Path]
) -> Sequence[Path]:
    """Affinities that no training of the mix measures on its way, and the search goes by."""
    backbone, mix = settings["search"]["backbone"], needed.baselines(settings)[-1]
    model = places.at(results, places.MODEL, backbone=backbone, group=mix)
    beside = places.at(results, places.MEASURED_AFFINITY, backbone=backbone, group=mix)
    trains = model in made or not model.exists()
    if not constant_of("search/strategies", settings["search"]["strategy"], "AFFINITIES"):
        return []
    if mix not in settings["elsewhere"] and (trains or beside.exists()):
        return []
    return [places.at(results, places.AFFINITY, backbone=backbone)]
