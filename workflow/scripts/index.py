import os
from pathlib import Path

from grids import images
from grids.files import appearing
from grids.progress import job

with job(snakemake.log[0]) as say:
    paths = [Path(path) for path in snakemake.input.photographs]
    root = Path(os.path.commonpath([path.parent for path in paths]))
    table = images.index(paths, root, tuple(snakemake.params.columns))
    with appearing(snakemake.output.index) as temporary:
        table.to_parquet(temporary, index=False)
    say(f"{len(table)} photographs")
