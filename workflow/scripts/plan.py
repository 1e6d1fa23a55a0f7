import importlib
from pathlib import Path

import pandas as pd

from grids.jobs import places
from grids.jobs.job import job
from grids.search import candidates, contract, plans
from grids.search.drops import levels, measurements

with job(snakemake) as say:
    params, results = snakemake.params, Path(snakemake.config["results"])
    table = pd.read_parquet(snakemake.input.similarity)
    verified = {
        contract.Trial(tuple(group), level): pd.read_parquet(path)
        for group, level, path in zip(
            params.groups, params.levels, snakemake.input.verifications, strict=True
        )
    }
    strategy = importlib.import_module(f"grids.search.strategies.{params.strategy}")
    asks_for_levels = getattr(strategy, "LEVELS", False)
    if asks_for_levels:
        measured = measurements.psnr(verified)
        drops = [levels.drops(measured), *levels.short(measured).drops.values()]
    else:
        measured, _ = measurements.drops({t.group: table for t, table in verified.items()})
        drops = [measured]
    for known in drops:
        measurements.check_failures(known, params.failed)
    tolerance = candidates.tolerance(table, params.settings["tolerance"])
    affinities = [pd.read_parquet(path) for path in snakemake.input.affinity]
    square = contract.similarity_from(table, tuple(params.degradations), *affinities)
    settings = params.settings | {"tolerance": tolerance}
    answer = strategy.plan(square, measured, contract.SearchSettings(**settings))
    plan = plans.made(
        answer,
        round=int(snakemake.wildcards.round),
        strategy=params.strategy,
        backbone=params.backbone,
        test_set=params.test_set,
        degradations=params.degradations,
        settings=settings,
        elsewhere=params.elsewhere,
        known=[t.name for t in verified if asks_for_levels or len(t.group) > 1],
    )
    plans.write(Path(snakemake.output.plan), plan)
    solved = "solution" in plan
    if not solved:
        # The answer of an earlier search. While it stands, Snakemake takes it for up to date: that
        # rounds are missing means nothing to it.
        (results / places.GROUPS).unlink(missing_ok=True)
    kind = "solution" if solved else "requests"
    say(f"{kind}: {', '.join(plan[kind])}")
