import pandas as pd

from grids.jobs.job import job
from grids.report import densities, style

with job(snakemake):
    names, paths = snakemake.params.degradations, snakemake.input.ggd
    fits = {name: pd.read_parquet(path) for name, path in zip(names, paths, strict=True)}
    style.save(densities.figure(fits), snakemake.output.figure)
