import pandas as pd

from grids import images, store
from grids.files import appearing
from grids.progress import Progress, job

with job(snakemake) as say:
    table = pd.read_parquet(snakemake.input.index)
    paths = images.find(snakemake.config["sources"][snakemake.wildcards.images])
    progress = Progress(f"store {snakemake.wildcards.images}", len(paths), "photographs", say)
    with appearing(snakemake.output.store) as temporary:
        store.write(temporary, table, progress.over(images.photographs(paths, table)))
