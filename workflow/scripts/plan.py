import importlib
from pathlib import Path

import pandas as pd

from grids.jobs import places
from grids.jobs.job import job
from grids.search import contract, plans
from grids.search.drops import measurements
from grids.similarity import matrix

with job(snakemake) as say:
    params, results = snakemake.params, Path(snakemake.config["results"])
    table = pd.read_parquet(snakemake.input.similarity)
    verified = {
        tuple(group): pd.read_parquet(path)
        for group, path in zip(params.groups, snakemake.input.verifications, strict=True)
    }
    measured, _ = measurements.drops(verified)
    measurements.check_failures(measured, params.failed)
    tolerance = matrix.tolerance(table, params.settings["tolerance"])
    strategy = importlib.import_module(f"grids.search.strategies.{params.strategy}")
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
        verified=verified,
    )
    plans.write(Path(snakemake.output.plan), plan)
    solved = "solution" in plan
    if not solved:
        # The answer of an earlier search. While it stands, Snakemake takes it for up to date: that
        # rounds are missing means nothing to it.
        (results / places.GROUPS).unlink(missing_ok=True)
    kind = "solution" if solved else "requests"
    say(f"{kind}: {', '.join(plan[kind])}")
