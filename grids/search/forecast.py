"""How many trainings a search will need, before they are submitted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grids.base.errors import InputError
from grids.base.levels import WHOLE
from grids.base.wording import counted, duration
from grids.jobs import places
from grids.jobs.pace import pace
from grids.search import candidates, costs
from grids.search.contract import (
    Drops,
    Group,
    Levels,
    SearchSettings,
    Similarity,
    Solution,
    Trial,
    outcomes,
    similarity_from,
)
from grids.search.drops import levels
from grids.search.drops.measurements import drops, psnr
from grids.search.partition import SUBSETS_LIMIT
from grids.search.simulation.curves import Measured
from grids.search.simulation.families import completed
from grids.search.simulation.searches import run, run_levels, strategy
from grids.search.standing import Search

UNMEASURED = 0.1
"""Tolerance of distances whose uncertainty is not known yet."""

# What the similarity is made of: where it lies in the folder of the results.
SIMILARITY = {
    place.partition("/")[0]
    for place in (places.PIES, places.DESCRIPTOR, places.LAW, places.SIMILARITY)
}


@dataclass(frozen=True)
class Forecast:
    """Trainings of groups of two and more, and rounds, that a search is expected to need still.

    `least` are those of the groups that it is expected to end with, `likely` are all. Neither is a
    bound: what is measured may end a search earlier, or ask for more. `of_all` says that they are
    of single-task models too, in whole trainings: of a search that asks for levels.
    """

    least: float
    likely: float
    rounds: int
    of_all: bool = False


def forecast(
    plan: Callable[..., Any], square: Similarity, measured: Drops, settings: SearchSettings
) -> Forecast:
    """What is still to be trained, before anything is submitted.

    The search is run against the mean drops that the model of `grids.search.drops.model` predicts
    from what is measured; before any measurement that is a guess. The least is the number of
    groups not yet verified in the partition which that search ends with. Beyond 14 degradations,
    where that takes too long, both are counted in the next plan alone.
    """
    known = outcomes(measured, square.names, settings.delta)
    answer = plan(square, measured, settings)
    if isinstance(answer, Solution):
        return Forecast(0, 0, 0)
    if settings.groups or settings.number_of_groups:
        return Forecast(len(answer.groups), len(answer.groups), 1)
    if len(square.names) > SUBSETS_LIMIT:
        left = answer.why.get("left", {"trainings": len(answer.groups), "rounds": 1})
        return Forecast(len(answer.groups), left["trainings"], left["rounds"])
    expected = completed(square, measured, settings.delta)
    done = run(plan, square, expected.of, settings, measured)
    least = sum(group not in known for group in done.groups)
    return Forecast(least, max(done.trainings, least), len(done.rounds))


def forecast_levels(
    plan: Callable[..., Any], square: Similarity, measured: Levels, settings: SearchSettings
) -> Forecast:
    """`forecast` of a search that asks for levels, in whole trainings.

    Where short trainings are not measured they are taken to tell the truth.
    """
    answer = plan(square, measured, settings)
    before = [Trial(group, level) for level in measured for group in measured[level]]
    if isinstance(answer, Solution):
        return Forecast(0, 0, 0, of_all=True)
    asked, kept, rounds = list(answer.trials), list(answer.groups), 1
    if len(square.names) <= SUBSETS_LIMIT:
        drops, short = levels.drops(measured), levels.short(measured)
        whole = {group: lost for group, lost in drops.items() if len(lost) == len(group)}
        expected = Measured(completed(square, whole, settings.delta, short), measured)
        done = run_levels(plan, square, expected.of, settings, measured)
        asked = [trial for trials in done.rounds for trial in trials]
        kept, rounds = list(done.groups), len(done.rounds)
    ends = {trial for trial in asked if trial.level == WHOLE}
    needed = [trial for trial in ends if trial.group in kept or len(trial.group) == 1]
    spent = costs.total(before, settings.decay)
    least, likely = (
        costs.total([*before, *more], settings.decay) - spent for more in (needed, asked)
    )
    return Forecast(least, likely, rounds, of_all=True)


def beforehand(
    plan: Callable[..., Any],
    degradations: Sequence[str],
    tables: Mapping[Trial, pd.DataFrame],
    distances: pd.DataFrame | None,
    settings: SearchSettings,
    affinities: pd.DataFrame | None = None,
) -> Forecast:
    """`forecast`, or `forecast_levels`, at any time before the search has ended.

    Args:
        plan: of the strategy.
        degradations: those to group.
        tables: verifications that exist already.
        distances: the similarity matrix as a table; None: not yet measured, as if all were equal.
        settings: what the search is asked for.
        affinities: as a table; None: not yet measured, as if there were none.
    """
    names = tuple(sorted(degradations))
    if distances is None:
        flat = np.full((len(names), len(names)), 3.0)
        square = Similarity(names, flat, np.zeros_like(flat))
    else:
        square = similarity_from(distances, names, affinities)
    if square.affinity is None:
        square = replace(square, affinity=np.zeros_like(square.distance))
    if settings.levels:
        return forecast_levels(plan, square, psnr(tables), settings)
    ends = {trial.group: table for trial, table in tables.items()}
    singles = {group[0] for group in ends if len(group) == 1}
    measured, _ = drops({g: table for g, table in ends.items() if singles.issuperset(g)})
    return forecast(plan, square, measured, settings)


def line(
    results: Path,
    degradations: Sequence[str],
    brought: Mapping[Group, pd.DataFrame],
    *,
    strategy_name: str,
    asked: Mapping[str, Any],
    backbone: str,
    test_set: str,
    training_hours: float,
    besides: Mapping[str, Sequence[Path]],
    uncounted: Sequence[str],
    outdated: Collection[Path],
) -> str:
    """What a start says of the search ahead, by the files of results alone.

    Files that cannot be read are left out: the job that needs one will say so.

    Args:
        results: the folder of the results.
        degradations: those to group.
        brought: verifications of models trained elsewhere.
        strategy_name, asked, backbone, test_set: of the search; `asked` as the configuration has
            it, with a tolerance that may be `uncertainty`.
        training_hours: see `hours`.
        besides: the weights of further trainings with this backbone, by what they are of.
        uncounted: further trainings, whose number or hours are not known yet.
        outdated: results that will be made again (`grids.runs.outdated`); they count as missing.

    Returns:
        Nothing where nothing is ahead, or where the verifications do not fit together: they are
        about to be made again.
    """
    tables = {}
    kinds: list[tuple[str, str, int]] = [(places.VERIFICATION, places.MODEL, WHOLE)]
    for level in asked.get("levels", []):
        kinds.append((places.LEVEL_VERIFICATION, places.LEVEL_MODEL, level))
    for verification, model, level in kinds:
        named: dict[str, str | int] = {"backbone": backbone, "level": level}
        for path in places.found(results, verification, test_set=test_set, **named):
            weights = places.at(results, model, group=path.parent.name, **named)
            if {path, weights} & set(outdated):
                continue
            with suppress(Exception):
                table = pd.read_parquet(path)
                tables[Trial(tuple(sorted(table["degradation"].unique())), level)] = table
    tables |= {Trial(group): table for group, table in brought.items()}
    distances = _pairs(results / places.SIMILARITY, degradations)
    affinities = _pairs(places.at(results, places.AFFINITY, backbone=backbone), degradations)
    if distances is not None:
        tolerance = candidates.tolerance(distances, asked["tolerance"])
    else:
        tolerance = UNMEASURED if asked["tolerance"] == "uncertainty" else asked["tolerance"]
    settings = SearchSettings(**{**asked, "tolerance": tolerance})
    known = tables, distances, settings, affinities
    try:
        left = beforehand(strategy(strategy_name), degradations, *known)
    except InputError:
        return ""
    missing = {
        what: sum(path in outdated or not path.exists() for path in files)
        for what, files in besides.items()
    }
    if not left.likely and not any(missing.values()):
        return ""
    said = sentence(left, hours(results, backbone, training_hours), missing)
    more = f" Not counted: {'; '.join(uncounted)}." if uncounted else ""
    measured_anew = any(path.relative_to(results).parts[0] in SIMILARITY for path in outdated)
    is_guess = distances is None or measured_anew
    guess = " A guess until the similarity is measured." if is_guess else ""
    return f"Ahead of the search ({strategy_name}): {said}.{more}{guess}"


def _pairs(path: Path, degradations: Sequence[str]) -> pd.DataFrame | None:
    """A table of pairs of degradations, if it can be read and has all of them."""
    with suppress(Exception):
        table = pd.read_parquet(path)
        if set(degradations) <= set(table["source"]):
            return table
    return None


def of_plan(search: Search) -> Forecast:
    """`forecast` after the last plan of a search, from its files."""
    last = search.plans[-1]
    settings = SearchSettings(**last["settings"])
    plan = strategy(last["strategy"])
    if settings.levels:
        return forecast_levels(plan, search.similarity, search.psnr, settings)
    return forecast(plan, search.similarity, search.drops, settings)


def hours(results: Path, backbone: str, configured: float) -> float:
    """Hours of one training: configured, or if 0, measured on what is trained; NaN: neither."""
    if configured:
        return configured
    histories = places.found(results, places.HISTORY, backbone=backbone)
    seconds = [spent for steps, spent in map(pace, histories) if steps]
    return float(np.mean(seconds)) / 3600 if seconds else float("nan")


def sentence(left: Forecast, hours: float, besides: Mapping[str, int] | None = None) -> str:
    """For people: `besides` has numbers of further trainings by what they are of."""
    more = {what: number for what, number in (besides or {}).items() if number}
    fewer = f"{left.least:.3g} to " if left.least < left.likely else ""
    trainings = (
        f"likely as much as {fewer}{left.likely:.3g} whole trainings"
        if left.of_all
        else f"likely {fewer}{counted(int(left.likely), 'training')} of groups"
    )
    said = f"{trainings} in about {counted(left.rounds, 'round')}"
    if more:
        said += f", besides {', '.join(f'{number} {what}' for what, number in more.items())}"
    if hours == hours:
        total = sum(more.values())
        least, likely = (duration((n + total) * hours) for n in (left.least, left.likely))
        sums = f"{least} to {likely}" if fewer else likely
        said += f"; at {duration(hours)} each that is {sums}"
    return said
