import pandas as pd

from grids import candidates, similarity
from grids.files import appearing
from grids.progress import job

with job(snakemake.log[0]) as say:
    wanted = snakemake.params.degradations
    distances = similarity.square(pd.read_parquet(snakemake.input.similarity)).loc[wanted, wanted]
    rankings = candidates.rank(distances.to_numpy(), wanted, **snakemake.params.settings)
    for size, path in enumerate(snakemake.output.rankings, start=1):
        with appearing(path) as temporary:
            rankings[size].to_parquet(temporary, index=False)
    say(f"{sum(map(len, rankings.values()))} groups")
