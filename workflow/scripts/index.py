from pathlib import Path

from grids import images
from grids.files import appearing
from grids.progress import job

with job(snakemake) as say:
    paths = [Path(path) for path in snakemake.input.photographs]
    table = images.index(paths, images.root_of(paths), tuple(snakemake.params.columns))
    with appearing(snakemake.output.index) as temporary:
        table.to_parquet(temporary, index=False)
    say(f"{len(table)} photographs")
