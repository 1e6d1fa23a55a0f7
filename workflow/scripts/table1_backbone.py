import json
from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import style, table1

with job(snakemake):
    output, wildcards = snakemake.output, snakemake.wildcards
    found = json.loads(Path(snakemake.input.groups).read_text(encoding="utf-8"))
    groups = [group["degradations"] for group in found["groups"]]
    verifications = [pd.read_parquet(path) for path in snakemake.input.verifications]
    table = table1.table(groups, verifications)
    others = table1.further(groups, verifications)
    with appearing(output.parquet) as temporary:
        table1.joined(table, others).to_parquet(temporary, index=False)
    with appearing(output.csv) as temporary:
        table1.sheet(table, others).to_csv(temporary, float_format="%.4f")
    with appearing(output.text) as temporary:
        paired = snakemake.params.paired
        tiled = sum(v["tile"].notna().sum() for v in verifications if "tile" in v)
        text = table1.text(
            table, found, wildcards.backbone, wildcards.test_set, paired, others, tiled
        )
        temporary.write_text(text, encoding="utf-8")
    with appearing(output.page) as temporary:
        temporary.write_text(table1.page(text), encoding="utf-8")
    style.save(
        table1.figure(table, found["delta"], wildcards.backbone, wildcards.test_set), output.figure
    )
