import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images import reading
from grids.images.store import Store
from grids.jobs.job import job
from grids.models import devices
from grids.selection.fitting import described
from grids.selection.fitting.pictures import Shares
from grids.selection.fitting.views import sources_of, views
from grids.selection.torch_describer import describer as torch_describer

with job(snakemake) as say:
    params, name = snakemake.params, snakemake.wildcards.degradation
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = torch_describer(
        snakemake.config["weights"], device, params.precision, **params.describing
    )
    index = pd.read_parquet(snakemake.input.index)
    made = views(
        Store(snakemake.input.store, index),
        reading.identities(index),
        sources_of(index["path"]),
        name,
        params.values,
        Shares(**params.pictures),
        range(params.number),
        params.seed,
    )
    shown = Progress(name, params.number, "views", say).over(made)

    def left_out(view, why):
        say(f"{index['path'][view.photograph]}: a part is left out ({why})")

    table = described.of_views(shown, describer, params.laws, left_out)
    with appearing(snakemake.output.views) as temporary:
        table.to_parquet(temporary, index=False)
