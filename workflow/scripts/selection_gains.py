import numpy as np
import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.jobs.job import job
from grids.models import devices, restorers, tiles
from grids.selection import trial
from grids.selection.fitting import shown
from grids.selection.fitting.gains import gain_db

with job(snakemake) as say:
    params, wildcards = snakemake.params, snakemake.wildcards
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    network = restorers.read(snakemake.input.weights, wildcards.backbone, params.sizes, device)
    given, test_set = snakemake.input, wildcards.test_set
    photographs = shown.of_test_set(test_set, given.index, given.store, params.shown, params.seed)
    progress = Progress(f"gains of {wildcards.group}", len(photographs), "images", say)
    forward = tiles.of_arrays(network, device, params.precision)
    rows = [
        {
            "gain_db": gain_db(network, case.clean, case.degraded, device, params.precision)
            if case.kind in params.kinds
            else np.nan,
            "trial": trial.tried(trial.window(case.degraded), forward).numbers,
        }
        for _, cases in progress.over(photographs)
        for case in cases
    ]
    with appearing(snakemake.output.gains) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)
