import json
from pathlib import Path

import pandas as pd

from grids.jobs.job import job
from grids.report import drop_distance, style

with job(snakemake):
    found = json.loads(Path(snakemake.input.groups).read_text(encoding="utf-8"))
    similarity = pd.read_parquet(snakemake.input.similarity)
    style.save(drop_distance.figure(found, similarity), snakemake.output.figure)
