from pathlib import Path

import pandas as pd

from grids.images import reading
from grids.jobs.job import job
from grids.similarity import pies

with job(snakemake) as say:
    table = pd.read_parquet(snakemake.input.index)
    patches = pies.clean_patches(
        reading.photographs(Path(snakemake.config["roots"]["pies"]), table),
        reading.identities(table),
        seed=snakemake.params.seed,
        **snakemake.params.settings,
    )
    pies.write(snakemake.output.pies, patches)
    say(f"{len(patches)} patches from {len(table)} photographs")
