from pathlib import Path

from grids.files import appearing
from grids.names import members
from grids.progress import job
from grids.search import measurements

with job(snakemake):
    known, wildcards = snakemake.params.degradations, snakemake.wildcards
    brought = measurements.read(Path(snakemake.input.table), known, wildcards.test_set)
    table = brought[wildcards.test_set][members(wildcards.group, known)]
    with appearing(snakemake.output.verification) as temporary:
        table.to_parquet(temporary, index=False)
