import pandas as pd

from grids import images, pair_pies, pies
from grids.progress import job
from grids.store import read_pairs

with job(snakemake) as say:
    params = snakemake.params
    ((name, pairs),) = read_pairs(params.group, snakemake.input.pairs).items()
    identities = images.identities(pd.read_parquet(snakemake.input.pairs[0]))[1::2]
    patches, measures = pair_pies.degraded_patches(
        pairs, identities, seed=params.seed, **params.settings
    )
    pies.write(snakemake.output.pies, patches, measures)
    say(f"{name}: mean PSNR {measures['psnr_db'].mean():.2f} dB")
