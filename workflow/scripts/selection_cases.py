import pandas as pd

from grids import devices, images
from grids.errors import InputError
from grids.files import appearing
from grids.image_statistics import Describer
from grids.progress import Progress, job
from grids.selection_cases import cases
from grids.store import Store

with job(snakemake) as say:
    params, test_set = snakemake.params, snakemake.wildcards.test_set
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = Describer(snakemake.input.weights, device, params.precision, **params.describing)
    table = pd.read_parquet(snakemake.input.index)
    photographs = Store(snakemake.input.store, table)
    progress = Progress(f"cases of {test_set}", len(table), "images", say)
    rows = []
    for name, identity, photograph in zip(
        table["path"], images.identities(table), progress.over(photographs), strict=True
    ):
        for case in cases(photograph, identity, **params.shown, seed=params.seed):
            try:
                # The paper's rule is compared where all are; a law takes most of the time.
                statistics = describer(case.degraded, law=case.kind != "severity")
            except InputError as error:
                raise InputError(f"{name} under {case.degradation}: {error}") from None
            about = {key: getattr(case, key) for key in ("kind", "degradation", "parameters")}
            rows.append({"photograph": name, **about, **vars(statistics)})
    with appearing(snakemake.output.cases) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)
