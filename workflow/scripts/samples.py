import pandas as pd

from grids import devices, restorers
from grids.files import appearing
from grids.progress import job
from grids.report import samples
from grids.store import Store, read_pairs

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    network = restorers.read(files.weights, snakemake.wildcards.backbone, params.sizes, device)
    photographs = Store(files.store, pd.read_parquet(files.index))
    pairs = read_pairs(params.group, files.pairs)
    picture = samples.strip(network, params.group, photographs, params.seed, device, pairs)
    with appearing(snakemake.output.picture) as temporary:
        picture.save(temporary, "png")
