from pathlib import Path

import pandas as pd

from grids.jobs.job import job
from grids.report import nearest, style
from grids.selection import examples, selector_file
from grids.selection.fitting import explained, shown
from grids.selection.rule import Rule

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    cases = pd.read_parquet(given.cases)
    picked = nearest.picked(pd.read_parquet(given.decisions)).assign(vector=cases["vector"])
    photographs = shown.of_test_set(
        snakemake.wildcards.test_set, given.index, given.store, params.shown, params.seed
    )
    pictures = explained.middles(photographs, cases, {*picked.index})
    arrays, about = selector_file.read(given.selector)
    like = examples.read(Path(given.examples))
    told = explained.explained(picked, Rule.of(arrays), about["groups"], like)
    drawn = nearest.figure(told.assign(picture=pd.Series(pictures)), about["groups"])
    style.save(drawn, snakemake.output[0])
