import pandas as pd

from grids.images import reading
from grids.images.store import read_pairs
from grids.jobs.job import job
from grids.similarity import pair_pies, pies

with job(snakemake) as say:
    params = snakemake.params
    ((name, pairs),) = read_pairs(params.group, snakemake.input.pairs).items()
    identities = reading.identities(pd.read_parquet(snakemake.input.pairs[0]))[1::2]
    patches, measures = pair_pies.degraded_patches(
        pairs.clean, pairs.degraded, identities, seed=params.seed, **params.settings
    )
    pies.write(snakemake.output.pies, patches, measures)
    say(f"{name}: mean PSNR {measures['psnr_db'].mean():.2f} dB")
