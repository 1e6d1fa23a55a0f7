from pathlib import Path

from grids.export import export
from grids.progress import job

with job(snakemake):
    export(Path(snakemake.config["results"]), Path(snakemake.output.bundle))
