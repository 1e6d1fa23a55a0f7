from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images import reading, store
from grids.jobs.job import job

with job(snakemake) as say:
    name = snakemake.wildcards.images
    table = pd.read_parquet(snakemake.input.index)
    photographs = reading.photographs(Path(snakemake.config["roots"][name]), table)
    progress = Progress(f"store {name}", len(table), "photographs", say)
    with appearing(snakemake.output.store) as temporary:
        store.write(temporary, table, progress.over(photographs))
