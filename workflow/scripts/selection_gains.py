import numpy as np
import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images import reading
from grids.images.store import Store
from grids.jobs.job import job
from grids.models import devices, restorers, tiles
from grids.selection import trial
from grids.selection.fitting.cases import cases
from grids.selection.fitting.gains import gain_db

with job(snakemake) as say:
    params, wildcards = snakemake.params, snakemake.wildcards
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    network = restorers.read(snakemake.input.weights, wildcards.backbone, params.sizes, device)
    table = pd.read_parquet(snakemake.input.index)
    photographs = Store(snakemake.input.store, table)
    progress = Progress(f"gains of {wildcards.group}", len(table), "images", say)
    forward = tiles.of_arrays(network, device, params.precision)
    rows = [
        {
            "gain_db": gain_db(network, case.clean, case.degraded, device, params.precision)
            if case.kind in params.kinds
            else np.nan,
            "trial": trial.tried(trial.parts(case.degraded), forward).numbers,
        }
        for identity, photograph in zip(
            reading.identities(table), progress.over(photographs), strict=True
        )
        for case in cases(photograph, identity, **params.shown, seed=params.seed)
    ]
    with appearing(snakemake.output.gains) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)
