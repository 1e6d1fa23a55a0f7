from pathlib import Path

import pandas as pd

from grids import images, store
from grids.files import appearing
from grids.progress import Progress, job

with job(snakemake) as say:
    name = snakemake.wildcards.images
    table = pd.read_parquet(snakemake.input.index)
    photographs = images.photographs(Path(snakemake.config["roots"][name]), table)
    progress = Progress(f"store {name}", len(table), "photographs", say)
    with appearing(snakemake.output.store) as temporary:
        store.write(temporary, table, progress.over(photographs))
