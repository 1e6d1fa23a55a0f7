from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import paper_averages, style

with job(snakemake):
    averages = paper_averages.compare(pd.read_parquet(snakemake.input.similarity))
    with appearing(snakemake.output.csv) as temporary:
        averages.to_csv(temporary, index=False, float_format="%.4f")
    with appearing(snakemake.output.text) as temporary:
        Path(temporary).write_text(paper_averages.text(averages), encoding="utf-8")
    style.save(paper_averages.figure(averages), snakemake.output.figure)
