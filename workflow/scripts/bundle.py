from pathlib import Path

from grids.bundle.export import export
from grids.jobs.job import job

with job(snakemake):
    export(Path(snakemake.config["results"]), Path(snakemake.output.bundle))
