import json
from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import sheets
from grids.similarity import matrix

with job(snakemake):
    given, output = snakemake.input, snakemake.output
    found = json.loads(Path(given.groups).read_text(encoding="utf-8"))
    rankings = {size: pd.read_parquet(path) for size, path in enumerate(given.rankings, start=1)}
    with appearing(output.similarity) as temporary:
        matrix.square(pd.read_parquet(given.similarity)).to_csv(temporary)
    with appearing(output.rankings) as temporary:
        sheets.rankings(rankings).to_csv(temporary, index=False)
    with appearing(output.drops) as temporary:
        sheets.drops(found).to_csv(temporary, index=False)
