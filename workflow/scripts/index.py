from grids import image_sets, images
from grids.errors import InputError
from grids.files import appearing
from grids.progress import job

with job(snakemake) as say:
    name, config = snakemake.wildcards.images, snakemake.config
    source = config["sources"][name]
    paths, part = image_sets.find(source), image_sets.columns(source, name)
    table = images.index(paths, images.root_of(paths), part)
    content = images.content_digest(paths, part, config["reading"], seen=table)
    if content != snakemake.wildcards.content:
        raise InputError(f"{source}: photographs changed while the workflow ran; run it again")
    with appearing(snakemake.output.index) as temporary:
        table.to_parquet(temporary, index=False)
    say(f"{len(table)} photographs")
