import pandas as pd

from grids import similarity
from grids.files import appearing
from grids.progress import job

with job(snakemake) as say:
    fits = {
        name: pd.read_parquet(path, columns=["alpha", "sigma", "patches"])
        for name, path in zip(snakemake.params.degradations, snakemake.input.ggd, strict=True)
    }
    with appearing(snakemake.output.similarity) as temporary:
        similarity.matrix(fits).to_parquet(temporary, index=False)
    say(f"{len(fits)} × {len(fits)} distances")
