import json
from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import compared, style
from grids.report.systems import Row

with job(snakemake):
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    rows = [Row(**row) for row in params.rows]
    # Each has all of one test set after the other.
    own, verified, reseeded = (
        map(pd.read_parquet, paths) for paths in (given.tables, given.verifications, given.reseeded)
    )
    tables, orders = {}, {}
    for test_set in params.test_sets:
        table_of = {name: next(own) for name in params.backbones}
        verification_of = {row.name: next(verified) for row in rows if not row.kind}
        psnr = [
            compared.means_of_a_kind(table_of[row.backbone], row.kind)
            if row.kind
            else compared.means_of(verification_of[row.name])
            for row in rows
        ]
        repeated = [(verification_of[name], next(reseeded)) for name in params.reseeded]
        tables[test_set] = compared.table(rows, psnr)
        noise_db = compared.noise_of_an_average(repeated)
        orders[test_set] = compared.order(tables[test_set], noise_db)
    # Of a system the same on all test sets.
    models = [
        compared.models_of_a_kind(table_of[row.backbone], row.kind) if row.kind else 1
        for row in rows
    ]
    measured = {
        Path(path).stem: json.loads(Path(path).read_text(encoding="utf-8")) for path in given.costs
    }
    costs = compared.costs(rows, models, measured)
    whole = pd.concat(tables, names=["test_set"]).reset_index("test_set")
    with appearing(output.parquet) as temporary:
        whole.to_parquet(temporary, index=False)
    with appearing(output.csv) as temporary:
        whole.to_csv(temporary, index=False, float_format="%.4f")
    with appearing(output.costs) as temporary:
        costs.to_csv(temporary, index=False, float_format="%.4f")
    with appearing(output.text) as temporary:
        text = compared.text(rows, tables, costs, orders, params.photographs)
        temporary.write_text(text, encoding="utf-8")
    style.save(compared.figure(tables, costs), output.figure)
