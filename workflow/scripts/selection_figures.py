import pandas as pd

from grids.base.files import appearing
from grids.jobs.job import job
from grids.report import selection, style

with job(snakemake):
    output = snakemake.output
    decisions = pd.read_parquet(snakemake.input.decisions)
    steps = pd.read_parquet(snakemake.input.steps)
    with appearing(output.text) as temporary:
        text = selection.text(decisions, steps, snakemake.wildcards.test_set)
        temporary.write_text(text, encoding="utf-8")
    style.save(selection.choices_figure(decisions), output.choices)
    style.save(selection.gains_figure(decisions), output.promises)
