import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.selection import selector_file
from grids.selection.decision import MIX
from grids.selection.fitting import decisions
from grids.selection.rule import Rule

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    arrays, about = selector_file.read(given.selector)
    groups = dict(zip(about["groups"], params.groups, strict=True))
    gains = {
        name: pd.read_parquet(path)
        for name, path in zip([*groups, MIX], [*given.gains, given.mix], strict=True)
    }
    table = decisions.decisions(pd.read_parquet(given.cases), Rule.of(arrays), groups, gains)
    with appearing(snakemake.output.decisions) as temporary:
        table.to_parquet(temporary, index=False)
