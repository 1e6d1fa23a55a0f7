"""How many trainings a search will need, before they are submitted."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from grids import similarity
from grids.errors import InputError
from grids.pace import pace
from grids.search.decision import (
    Drops,
    Group,
    SearchSettings,
    Similarity,
    Solution,
    outcomes,
    similarity_from,
)
from grids.search.families import completed
from grids.search.measurements import drops
from grids.search.partition import SUBSETS_LIMIT
from grids.search.simulation import run, strategy
from grids.search.tree import Search

UNMEASURED = 0.1
"""Tolerance of distances whose uncertainty is not known yet."""


@dataclass(frozen=True)
class Forecast:
    """Trainings of groups of two and more, and rounds, that a search still needs."""

    least: int
    likely: int
    rounds: int


def forecast(
    plan: Callable, square: Similarity, measured: Drops, settings: SearchSettings
) -> Forecast:
    """What is still to be trained, before anything is submitted.

    The search is run against the mean drops that the model of `grids.search.drop_model` predicts
    from what is measured; before any measurement that is a guess. The least is the number of
    groups not yet verified in the partition which that search ends with. Beyond 14 degradations,
    where that takes too long, both are counted in the next plan alone.
    """
    known = outcomes(measured, square.names, settings.delta)
    answer = plan(square, measured, settings)
    if isinstance(answer, Solution):
        return Forecast(0, 0, 0)
    if settings.groups:
        return Forecast(len(answer.groups), len(answer.groups), 1)
    if len(square.names) > SUBSETS_LIMIT:
        left = answer.why.get("left", {"trainings": len(answer.groups), "rounds": 1})
        return Forecast(len(answer.groups), left["trainings"], left["rounds"])
    expected = completed(square, measured, settings.delta)
    done = run(plan, square, expected.of, settings, measured)
    least = sum(group not in known for group in done.groups)
    return Forecast(least, max(done.trainings, least), len(done.rounds))


def beforehand(
    plan: Callable,
    degradations: Sequence[str],
    tables: Mapping[Group, pd.DataFrame],
    distances: pd.DataFrame | None,
    settings: SearchSettings,
) -> Forecast:
    """`forecast` at any time before the search has ended.

    Args:
        plan: of the strategy.
        degradations: those to group.
        tables: verifications that exist already.
        distances: the similarity matrix as a table; None: not yet measured, as if all were equal.
        settings: what the search is asked for.
    """
    names = tuple(sorted(degradations))
    if distances is None:
        flat = np.full((len(names), len(names)), 3.0)
        square = Similarity(names, flat, np.zeros_like(flat))
    else:
        square = similarity_from(distances, names)
    singles = {group[0] for group in tables if len(group) == 1}
    measured, _ = drops({g: table for g, table in tables.items() if singles.issuperset(g)})
    return forecast(plan, square, measured, settings)


def line(
    results: Path,
    degradations: Sequence[str],
    brought: Mapping[Group, pd.DataFrame],
    *,
    strategy_name: str,
    asked: Mapping,
    backbone: str,
    test_set: str,
    training_hours: float,
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

    Returns:
        Nothing where the verifications do not fit together: they are about to be made again.
    """
    tables, distances = {}, None
    for path in (results / "verify" / backbone).glob(f"*/{test_set}.parquet"):
        with suppress(Exception):
            table = pd.read_parquet(path)
            tables[tuple(sorted(table["degradation"].unique()))] = table
    tables |= brought
    with suppress(Exception):
        table = pd.read_parquet(results / "similarity.parquet")
        distances = table if set(degradations) <= set(table["source"]) else None
    if distances is not None:
        tolerance = similarity.tolerance(distances, asked["tolerance"])
    else:
        tolerance = UNMEASURED if asked["tolerance"] == "uncertainty" else asked["tolerance"]
    settings = SearchSettings(**{**asked, "tolerance": tolerance})
    try:
        left = beforehand(strategy(strategy_name), degradations, tables, distances, settings)
    except InputError:
        return ""
    references = {(name,) for name in degradations} | {tuple(sorted(degradations))}
    said = sentence(left, hours(results, backbone, training_hours), len(references - tables.keys()))
    guess = "" if distances is not None else " A guess until the similarity is measured."
    return f"Ahead of the search ({strategy_name}): {said}.{guess}"


def of_plan(search: Search) -> Forecast:
    """`forecast` after the last plan of a search, from its files."""
    last = search.plans[-1]
    settings = SearchSettings(**last["settings"])
    return forecast(strategy(last["strategy"]), search.similarity, search.drops, settings)


def hours(results: Path, backbone: str, configured: float) -> float:
    """Hours of one training: configured, or if 0, measured on what is trained; NaN: neither."""
    if configured:
        return configured
    histories = sorted((results / "models" / backbone).glob("*/history.parquet"))
    seconds = [spent for steps, spent in map(pace, histories) if steps]
    return float(np.mean(seconds)) / 3600 if seconds else float("nan")


def sentence(left: Forecast, hours: float, references: int = 0) -> str:
    """For people: `references` single-task models and the mix are to be trained besides."""
    trainings = f"at least {left.least}, likely about {left.likely} trainings of groups"
    said = f"{trainings} in about {left.rounds} round{'s' * (left.rounds != 1)}"
    if references:
        said += f", besides {references} of single-task models and of the mix of all"
    if hours == hours:
        least, likely = (f"{(n + references) * hours:.3g}" for n in (left.least, left.likely))
        said += f"; at {hours:.2g} h each that is {least} h, likely {likely} h"
    return said
