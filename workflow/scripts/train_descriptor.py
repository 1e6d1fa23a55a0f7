import pandas as pd
import torch

from grids import devices, randomness
from grids.descriptors import srresnet
from grids.progress import job
from grids.store import Store
from grids.training.loop import Recipe
from grids.training.run import train_to_files
from grids.training.super_resolution import super_resolution

with job(snakemake.log[0]) as say:
    params = snakemake.params
    execution = snakemake.config["execution"]
    device = devices.use(execution["device"], snakemake.threads)
    torch.manual_seed(randomness.key(params.seed, "descriptor", "weights"))
    network = srresnet.network(**params.sizes).to(device)
    store = Store(snakemake.input.store, pd.read_parquet(snakemake.input.index))
    batches = super_resolution(
        store, srresnet.SCALE, **params.sampling, seed=params.seed, device=device
    )
    train_to_files(
        network,
        batches,
        Recipe(**params.recipe),
        weights_path=snakemake.output.weights,
        history_path=snakemake.output.history,
        about={
            "sizes": params.sizes,
            "sampling": params.sampling,
            "seed": params.seed,
            "code": params.code,
        },
        checkpoint_minutes=execution["checkpoint_minutes"],
        say=say,
        label="descriptor",
    )
