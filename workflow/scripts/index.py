from pathlib import Path

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.images import reading, sets
from grids.jobs import places
from grids.jobs.job import job

with job(snakemake) as say:
    name, config = snakemake.wildcards.images, snakemake.config
    source = config["sources"][name]
    paths = sets.find(source, places.among_results(Path(config["results"])))
    part = sets.columns(source, name)
    table = reading.index(paths, reading.root_of(paths), part)
    content = reading.content_digest(paths, part, config["reading"], seen=table)
    if content != snakemake.wildcards.content:
        raise InputError(f"images {name}: photographs changed while the workflow ran; run it again")
    with appearing(snakemake.output.index) as temporary:
        table.to_parquet(temporary, index=False)
    say(f"{len(table)} photographs")
