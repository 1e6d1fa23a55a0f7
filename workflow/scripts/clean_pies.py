from pathlib import Path

import pandas as pd

from grids import images, pies
from grids.progress import job

with job(snakemake) as say:
    table = pd.read_parquet(snakemake.input.index)
    patches = pies.clean_patches(
        images.photographs(Path(snakemake.config["roots"]["pies"]), table),
        images.identities(table),
        seed=snakemake.params.seed,
        **snakemake.params.settings,
    )
    pies.write(snakemake.output.pies, patches)
    say(f"{len(patches)} patches from {len(table)} photographs")
