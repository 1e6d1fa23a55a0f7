from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images import reading
from grids.images.store import Store, read_pairs
from grids.jobs import failures
from grids.jobs.job import job
from grids.models import devices, restorers
from grids.models.evaluation import verify

with job(snakemake) as say:
    params, wildcards = snakemake.params, snakemake.wildcards
    table = pd.read_parquet(snakemake.input.index)
    pairs = read_pairs(params.group, snakemake.input.pairs)
    if reason := failures.noted(Path(snakemake.input.weights)):
        images_of = {
            name: pairs[name].names if name in pairs else table["path"] for name in params.group
        }
        measured = failures.verification(images_of)
        say(f"{wildcards.group}: no model, {reason}")
    else:
        device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
        module = snakemake.config["networks"][wildcards.backbone]
        network = restorers.read(snakemake.input.weights, module, params.sizes, device)
        store = Store(snakemake.input.store, table)
        total = len(store) + sum(len(own.names) for own in pairs.values())
        progress = Progress(f"verify {wildcards.group}", total, "images", say)
        photographs = zip(
            table["path"], reading.identities(table), progress.over(store), strict=True
        )
        pairs = {name: progress.over(zip(*own, strict=True)) for name, own in pairs.items()}
        measured = verify(
            network,
            params.group,
            photographs,
            params.seed,
            device,
            pairs,
            further=params.get("further", ()),
            say=say,
        )
        for name, psnr in measured.groupby("degradation")["psnr_db"].mean().items():
            say(f"{wildcards.group}: {name} {psnr:.2f} dB")
    with appearing(snakemake.output.verification) as temporary:
        measured.to_parquet(temporary, index=False)
