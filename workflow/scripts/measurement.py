from pathlib import Path

from grids.base.files import appearing
from grids.jobs.job import job
from grids.search.drops import measurements
from grids.search.group_names import members

with job(snakemake):
    known, wildcards = snakemake.params.degradations, snakemake.wildcards
    brought = measurements.read(Path(snakemake.config["measurements"]), known, wildcards.test_set)
    table = brought[wildcards.test_set][members(wildcards.group, known)]
    with appearing(snakemake.output.verification) as temporary:
        table.to_parquet(temporary, index=False)
