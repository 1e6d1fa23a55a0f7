"""Simulated searches over ranges of settings."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd

from grids.base.errors import InputError
from grids.base.levels import WHOLE
from grids.base.plugins import names_in, require_known
from grids.search import standing
from grids.search.contract import Levels, SearchSettings
from grids.search.simulation.curves import USUAL, Curves, Knobs, Measured
from grids.search.simulation.families import (
    FAMILIES,
    Instance,
    completed,
    published,
    with_affinity,
)
from grids.search.simulation.searches import Psnr, compare, summary


def trials(
    source: str,
    strategies: Sequence[str],
    requests: Sequence[int],
    sizes: Sequence[int],
    correlations: Sequence[float],
    noise: float,
    delta: float,
    seeds: Sequence[int],
    group_worth: float = 32.0,
    affinity: float = 0.9,
    levels: Sequence[int] = (10, 30),
    certificate: str = "full",
    knobs: Knobs = USUAL,
) -> pd.DataFrame:
    """Runs strategies against known drops.

    Args:
        source: a family, `published`, or a folder of results; the last two are one instance each,
            of their own n.
        strategies: names of modules in `grids/search/strategies/`.
        requests: numbers of requests a round, each at least 1.
        sizes: numbers of degradations, each at least 1.
        correlations: knobs of the families, 0 … 1.
        noise: of the families' drops in dB.
        delta: drop allowed in dB.
        seeds: one instance each, not negative, at least one.
        group_worth, levels, certificate: as `grids.search.contract.SearchSettings` has them.
        affinity: how far the families' made-up affinities follow the drops of pairs, 0 … 1.
        knobs: of the families' learning curves.

    Returns:
        The summaries of `grids.search.simulation.searches` for each setting.

    Raises:
        InputError: an unknown source or strategy, or a number out of its range.
    """
    for name in strategies:
        require_known(name, names_in("search/strategies"), "strategy")
    if min(sizes) < 1 or min(requests) < 1:
        raise InputError("n and requests are at least 1")
    if not (0 < delta < math.inf and 0 < group_worth < math.inf and 0 <= noise < math.inf):
        raise InputError("delta and the worth of a group are positive, noise is not negative")
    if not all(0 <= value <= 1 for value in (*correlations, affinity)):
        raise InputError("a correlation is from 0 to 1")
    if not seeds or min(seeds) < 0:
        raise InputError("instances are at least 1, and a seed is not negative")
    if not levels or list(levels) != sorted({*levels} & {*range(1, WHOLE)}):
        raise InputError(f"levels are percentages from 1 to {WHOLE - 1} that ascend")
    asked = SearchSettings(
        delta, group_worth=group_worth, levels=tuple(levels), certificate=certificate
    )
    found = []
    families = sizes, correlations, noise, affinity, seeds
    for n, correlation, instances, psnr in _instances(source, delta, *families):
        curves: dict[int, Psnr] = {
            seed: (Measured(instance, psnr) if psnr else Curves(instance, knobs, seed)).of
            for seed, instance in instances.items()
        }
        for k in requests:
            table = compare(instances, strategies, replace(asked, requests_per_round=k), curves)
            found.append(
                summary(table).assign(n=n, correlation=correlation, requests=k, source=source)
            )
    table = pd.concat(found, ignore_index=True)
    first = ["source", "n", "correlation", "strategy", "requests"]
    return table[[*first, *table.columns.drop(first)]]


def _instances(
    source: str,
    delta: float,
    sizes: Sequence[int],
    correlations: Sequence[float],
    noise: float,
    affinity: float,
    seeds: Sequence[int],
) -> Iterator[tuple[int, float, dict[int, Instance], Levels]]:
    """For each setting n, correlation, instances by seed, and what is measured of levels."""
    if source in FAMILIES:
        for n, correlation in product(sizes, correlations):
            drawn = {seed: FAMILIES[source](n, correlation, noise, seed) for seed in seeds}
            related = {seed: with_affinity(one, affinity, seed) for seed, one in drawn.items()}
            yield n, correlation, related, {}
        return
    psnr: Levels = {}
    if Path(source).is_dir():
        found = standing.read(Path(source))
        similarity, measured, psnr = found.similarity, found.drops, found.psnr
    else:
        require_known(source, [*FAMILIES, "published"], "family or folder")
        similarity, measured = published()
    instance = completed(similarity, measured, delta)
    yield len(similarity.names), float("nan"), {0: instance}, psnr
