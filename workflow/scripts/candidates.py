import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.search import candidates
from grids.similarity import matrix

with job(snakemake) as say:
    wanted, settings = snakemake.params.degradations, snakemake.params.settings
    table = pd.read_parquet(snakemake.input.similarity)
    distances = matrix.square(table).loc[wanted, wanted].to_numpy()
    tolerance = candidates.tolerance(table, settings["tolerance"])
    rankings, limits = candidates.rankings(distances, wanted, tolerance)
    for size, limit in limits.items():
        if limit < float("inf"):
            say(f"size {size}: a group of mean distance {limit:.3f} or more may be missing")
    for size, path in enumerate(snakemake.output.rankings, start=1):
        with appearing(path) as temporary:
            rankings[size].to_parquet(temporary, index=False)
    say(f"{sum(map(len, rankings.values()))} groups")
