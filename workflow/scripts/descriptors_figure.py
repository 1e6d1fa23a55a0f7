import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import descriptors, style

with job(snakemake):
    named = zip(snakemake.params.networks, snakemake.input.similarities, strict=True)
    matrices = {name: pd.read_parquet(path) for name, path in named}
    with appearing(snakemake.output.table) as temporary:
        descriptors.agreement(matrices).to_csv(temporary, index=False, float_format="%.4f")
    style.save(descriptors.figure(matrices), snakemake.output.figure)
