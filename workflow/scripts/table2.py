import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import style, table2
from grids.report.experiments import groups

with job(snakemake):
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    experiments = params.experiments
    named = zip(groups(experiments), given.verifications, strict=True)
    verifications = {group: pd.read_parquet(path) for group, path in named}
    named = zip(params.features, given.similarities, strict=True)
    matrices = {name: pd.read_parquet(path) for name, path in named}
    # Of seeds that repeat a model of the table.
    reseeded = [pd.read_parquet(path) for path in given.noise]
    reseeded = [table for table in reseeded if {*table["degradation"]} <= verifications.keys()]
    changes = table2.table(experiments, verifications)
    noise = table2.noise_of_a_drop(reseeded, verifications)
    found = table2.claims(experiments, verifications, matrices, noise)
    about = params.backbone, params.test_set
    with appearing(output.parquet) as temporary:
        changes.to_parquet(temporary, index=False)
    with appearing(output.csv) as temporary:
        changes.to_csv(temporary, index=False, float_format="%.4f")
    with appearing(output.claims) as temporary:
        found.to_csv(temporary, index=False, float_format="%.4f")
    with appearing(output.text) as temporary:
        temporary.write_text(table2.text(changes, found, *about), encoding="utf-8")
    style.save(table2.figure(changes, found, *about), output.figure)
