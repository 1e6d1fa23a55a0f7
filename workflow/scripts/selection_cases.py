from grids.base.files import appearing
from grids.base.progress import Progress
from grids.jobs.job import job
from grids.models import devices
from grids.selection.fitting import described, shown
from grids.selection.torch_describer import describer as torch_describer

with job(snakemake) as say:
    params, test_set = snakemake.params, snakemake.wildcards.test_set
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = torch_describer(
        snakemake.config["weights"], device, params.precision, **params.describing
    )
    given = snakemake.input
    photographs = shown.of_test_set(test_set, given.index, given.store, params.shown, params.seed)
    progress = Progress(f"cases of {test_set}", len(photographs), "images", say)
    table = described.of_cases(progress.over(photographs), describer)
    with appearing(snakemake.output.cases) as temporary:
        table.to_parquet(temporary, index=False)
