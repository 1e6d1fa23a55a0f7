import pandas as pd

from grids import devices, images
from grids.errors import InputError
from grids.files import appearing
from grids.image_statistics import Describer
from grids.progress import Progress, job
from grids.store import Store
from grids.views import views

with job(snakemake) as say:
    params, wildcards = snakemake.params, snakemake.wildcards
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = Describer(snakemake.input.weights, device, params.precision, **params.describing)
    table = pd.read_parquet(snakemake.input.index)
    shown = views(
        Store(snakemake.input.store, table),
        images.identities(table),
        wildcards.degradation,
        params.group.get(wildcards.degradation, {}),
        range(params.number),
        params.seed,
    )
    rows = []
    for view in Progress(wildcards.degradation, params.number, "views", say).over(shown):
        try:
            statistics = describer(view.degraded, law=view.number < params.laws)
        except InputError as error:
            say(f"{table['path'][view.photograph]}: a part is left out ({error})")
        else:
            about = {"number": view.number, "photograph": view.photograph}
            rows.append({**about, **vars(statistics)})
    with appearing(snakemake.output.views) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)
