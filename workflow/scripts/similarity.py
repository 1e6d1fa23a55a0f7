import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.similarity import matrix

with job(snakemake) as say:
    fits = {
        name: pd.read_parquet(path, columns=["alpha", "sigma", "patches"])
        for name, path in zip(snakemake.params.degradations, snakemake.input.ggd, strict=True)
    }
    with appearing(snakemake.output.similarity) as temporary:
        matrix.matrix(fits).to_parquet(temporary, index=False)
    say(f"{len(fits)} × {len(fits)} distances")
