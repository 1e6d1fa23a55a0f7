import pandas as pd

from grids.jobs.job import job
from grids.report import severity, style

with job(snakemake):
    tables = {
        name: pd.read_parquet(path)
        for name, path in zip(
            snakemake.params.degradations, snakemake.input.severities, strict=True
        )
    }
    style.save(severity.figure(tables), snakemake.output.figure)
