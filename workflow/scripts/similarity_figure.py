import pandas as pd

from grids.jobs.job import job
from grids.report import similarity, style

with job(snakemake):
    table = pd.read_parquet(snakemake.input.similarity)
    style.save(similarity.heat_map(table), snakemake.output.heat_map)
    style.save(similarity.map_in_two_dimensions(table), snakemake.output.map)
