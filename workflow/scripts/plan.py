import importlib
import json
from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.search import contract
from grids.search.drops import measurements
from grids.search.group_names import group_name
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
    square = contract.similarity_from(table, tuple(params.degradations))
    settings = contract.SearchSettings(**params.settings | {"tolerance": tolerance})
    answer = strategy.plan(square, measured, settings)
    solved = isinstance(answer, contract.Solution)
    plan = {
        "round": int(snakemake.wildcards.round),
        "strategy": params.strategy,
        "backbone": params.backbone,
        "test_set": params.test_set,
        "degradations": params.degradations,
        "delta": params.settings["delta"],
        "settings": params.settings | {"tolerance": tolerance},
        "elsewhere": params.elsewhere,
        "known": sorted(group_name(group) for group in verified if len(group) > 1),
        "solution" if solved else "requests": [group_name(group) for group in answer.groups],
        "why": answer.why,
    }
    with appearing(snakemake.output.plan) as temporary:
        Path(temporary).write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    if not solved:
        # The answer of an earlier search. While it stands, Snakemake takes it for up to date: that
        # rounds are missing means nothing to it.
        (results / "groups.json").unlink(missing_ok=True)
    say(f"{'solution' if solved else 'requests'}: {', '.join(map(group_name, answer.groups))}")
