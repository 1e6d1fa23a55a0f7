import pandas as pd

from grids.base.files import appearing
from grids.images.store import Store, read_pairs
from grids.jobs.job import job
from grids.models import devices, restorers
from grids.models.samples import crops
from grids.report.samples import SIDE, strip

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    module = snakemake.config["networks"][snakemake.wildcards.backbone]
    network = restorers.read(files.weights, module, params.sizes, device)
    photographs = Store(files.store, pd.read_parquet(files.index))
    pairs = {
        name: list(zip(own.degraded, own.clean, strict=True))
        for name, own in read_pairs(params.group, files.pairs).items()
    }
    shown = crops(network, params.group, photographs, params.seed, device, pairs, SIDE)
    with appearing(snakemake.output.picture) as temporary:
        strip(shown).save(temporary, "png")
