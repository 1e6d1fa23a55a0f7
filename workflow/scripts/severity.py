import importlib

import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.jobs.job import job
from grids.models import devices
from grids.similarity import pies, severity

with job(snakemake) as say:
    params, given = snakemake.params, snakemake.input
    name = snakemake.wildcards.degradation
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    descriptor = importlib.import_module(f"grids.descriptors.{params.network}")
    network = descriptor.load(snakemake.config["descriptors"][params.network])
    progress = Progress(f"severities of {name}", len(params.severities), "sets", say)
    table = severity.distances(
        progress.over(params.severities),
        name,
        pies.read(given.clean),
        pd.read_parquet(given.ggd),
        descriptor.describer(network.to(device), params.layer),
        params.settings,
        params.seed,
        device,
    )
    with appearing(snakemake.output.severity) as temporary:
        table.to_parquet(temporary, index=False)
