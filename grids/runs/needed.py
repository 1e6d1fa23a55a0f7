"""Which models a run needs, by its settings and the plans of its search.

Settings are those of the whole configuration as `settings.json` has them, with the groups that were
measured `elsewhere`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.plugins import constant_of
from grids.jobs import places
from grids.search.group_names import group_name


def settings(results: Path) -> dict[str, Any]:
    """The settings of the last run, which it left with the results.

    Raises:
        InputError: there are none, or they are damaged.
    """
    path = results / places.SETTINGS
    try:
        noted: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{path}: no such file; no run has begun in this folder") from None
    except ValueError:
        raise InputError(f"{path}: cut off (damaged?); the next run writes it anew") from None
    return noted


def searched(settings: Mapping[str, Any]) -> list[str]:
    """Names of the degradations to group, in alphabetical order."""
    return sorted(settings["search"]["degradations"] or settings["degradations"])


def baselines(settings: Mapping[str, Any]) -> list[str]:
    """The groups of one, and the mix of all."""
    names = searched(settings)
    return [*names, group_name(names)]


def beforehand(settings: Mapping[str, Any]) -> list[str]:
    """The groups that are trained before the search asks for any."""
    if not searches_levels(settings):
        return baselines(settings)
    return baselines(settings)[-1:] if settings["training"]["start"] == "mix" else []


def models(
    settings: Mapping[str, Any], plans: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Backbone and name of all trainings that are known to be needed here.

    Names are those of plans (`grids.search.group_names.trial`).
    """
    searching = settings["search"]["backbone"]
    found = plans[-1].get("solution", []) if plans else []
    needed = [(searching, name) for name in [*beforehand(settings), *asked(plans)]]
    if not bounded(settings):
        needed += [
            (backbone, group)
            for backbone in settings["report"]["backbones"]
            for group in [*baselines(settings), *found]
        ]
    elsewhere = {(searching, group) for group in settings.get("elsewhere", [])}
    return [model for model in dict.fromkeys(needed) if model not in elsewhere]


def reseeded(
    settings: Mapping[str, Any], plans: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[int, str]]:
    """Seed and degradation of the single-task models that are trained again for the noise."""
    report = settings["report"]
    finished = asked(plans) if bounded(settings) else report["noise_degradations"]
    return [
        (seed, name)
        for seed in report["noise_seeds"]
        for name in report["noise_degradations"]
        if name in finished
    ]


def searches_levels(settings: Mapping[str, Any]) -> bool:
    """Whether the strategy asks for levels of trainings, single-task models among them."""
    return bool(constant_of("search/strategies", settings["search"]["strategy"], "LEVELS"))


def bounded(settings: Mapping[str, Any]) -> bool:
    """Whether single-task models may stay at a level, so that tables do not ask for them."""
    return searches_levels(settings) and settings["search"]["certificate"] == "bounded"


def asked(plans: Sequence[Mapping[str, Any]]) -> list[str]:
    """What all rounds asked for."""
    return [name for plan in plans for name in plan.get("requests", [])]


def changed_since(results: Path, plan: Mapping[str, Any]) -> bool:
    """Whether the last run noted settings that are not those of a plan's search."""
    return (results / places.SETTINGS).exists() and not planned_for(settings(results), plan)


def planned_for(settings: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
    """Whether a plan is of a search with these settings.

    Between a changed setting and the first round that it brings, the rounds of the search before
    stand there.
    """
    search = settings["search"]
    told = {key: plan[key] for key in ("strategy", "backbone", "test_set")} | plan["settings"]
    same = all(search[key] == value for key, value in told.items() if key in search)
    tolerance = settings["candidates"]["tolerance"]
    # Where it follows from the distances, no setting of it has changed.
    same &= tolerance in ("uncertainty", plan["settings"].get("tolerance", tolerance))
    here = {group for group in settings.get("elsewhere", []) if group in plan["elsewhere"]}
    return same and [*plan["degradations"]] == searched(settings) and here == {*plan["elsewhere"]}
