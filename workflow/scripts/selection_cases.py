import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images import reading
from grids.images.store import Store
from grids.jobs.job import job
from grids.models import devices
from grids.selection.fitting import described
from grids.selection.fitting.cases import cases
from grids.selection.torch_describer import describer as torch_describer

with job(snakemake) as say:
    params, test_set = snakemake.params, snakemake.wildcards.test_set
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = torch_describer(
        snakemake.config["weights"], device, params.precision, **params.describing
    )
    index = pd.read_parquet(snakemake.input.index)
    progress = Progress(f"cases of {test_set}", len(index), "images", say)
    shown = (
        (name, cases(photograph, identity, **params.shown, seed=params.seed))
        for name, identity, photograph in zip(
            index["path"],
            reading.identities(index),
            progress.over(Store(snakemake.input.store, index)),
            strict=True,
        )
    )
    table = described.of_cases(shown, describer)
    with appearing(snakemake.output.cases) as temporary:
        table.to_parquet(temporary, index=False)
