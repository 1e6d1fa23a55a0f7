import pandas as pd

from grids.jobs.job import job
from grids.report import style, training

with job(snakemake):
    history = pd.read_parquet(snakemake.input.history)
    figure = training.figure(history, snakemake.wildcards.backbone, snakemake.params.group)
    style.save(figure, snakemake.output.figure)
