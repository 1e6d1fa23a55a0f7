import pandas as pd

from grids import candidates, similarity
from grids.files import appearing
from grids.progress import job

with job(snakemake) as say:
    wanted = snakemake.params.degradations
    table = pd.read_parquet(snakemake.input.similarity)
    distances = similarity.square(table).loc[wanted, wanted].to_numpy()
    tolerance = similarity.tolerance(table, snakemake.params.settings["tolerance"])
    rankings = candidates.rank(distances, wanted, tolerance)
    for size, path in enumerate(snakemake.output.rankings, start=1):
        with appearing(path) as temporary:
            rankings[size].to_parquet(temporary, index=False)
    say(f"{sum(map(len, rankings.values()))} groups")
