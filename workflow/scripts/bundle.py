from pathlib import Path

from grids.bundle.export import export
from grids.jobs.job import job

with job(snakemake) as say:
    export(Path(snakemake.config["results"]), Path(snakemake.output.bundle), say=say)
