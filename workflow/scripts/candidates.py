import pandas as pd

from grids import candidates, similarity
from grids.files import appearing
from grids.progress import job

with job(snakemake) as say:
    wanted, settings = snakemake.params.degradations, snakemake.params.settings
    table = pd.read_parquet(snakemake.input.similarity)
    distances = similarity.square(table).loc[wanted, wanted].to_numpy()
    tolerance = similarity.tolerance(table, settings["tolerance"])
    rankings, limits = candidates.rankings(distances, wanted, tolerance)
    for size, limit in limits.items():
        if limit < float("inf"):
            say(f"size {size}: a group of mean distance {limit:.3f} or more may be missing")
    for size, path in enumerate(snakemake.output.rankings, start=1):
        with appearing(path) as temporary:
            rankings[size].to_parquet(temporary, index=False)
    say(f"{sum(map(len, rankings.values()))} groups")
