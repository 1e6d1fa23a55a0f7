import pandas as pd
import torch

from grids import devices, randomness, restorers
from grids.progress import job
from grids.store import Store
from grids.training.loop import Recipe
from grids.training.restoration import restoration
from grids.training.run import train_to_files

with job(snakemake.log[0]) as say:
    params, backbone = snakemake.params, snakemake.wildcards.backbone
    execution = snakemake.config["execution"]
    device = devices.use(execution["device"], snakemake.threads)
    # The same first weights for every group: one source of noise less in the drop between two.
    torch.manual_seed(randomness.key(params.seed, "weights"))
    network = restorers.build(backbone, params.sizes).to(device)
    store = Store(snakemake.input.store, pd.read_parquet(snakemake.input.index))
    batches = restoration(store, params.group, **params.sampling, seed=params.seed, device=device)
    train_to_files(
        network,
        batches,
        Recipe(**params.recipe),
        weights_path=snakemake.output.weights,
        history_path=snakemake.output.history,
        about={
            "backbone": backbone,
            "sizes": params.sizes,
            "group": params.group,
            "sampling": params.sampling,
            "seed": params.seed,
            "code": params.code,
        },
        checkpoint_minutes=execution["checkpoint_minutes"],
        say=say,
        label=f"{backbone} {snakemake.wildcards.group}",
    )
