import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import motivation, style

with job(snakemake):
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    table = motivation.table(pd.read_parquet(given.changes), pd.read_parquet(given.mix))
    with appearing(output.csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
    style.save(motivation.figure(table, params.backbone, params.test_set), output.figure)
