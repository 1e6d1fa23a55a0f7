import pandas as pd

from grids import devices, images
from grids.files import appearing
from grids.progress import Progress, job
from grids.selection import described
from grids.selection.statistics import Describer
from grids.selection.views import views
from grids.store import Store

with job(snakemake) as say:
    params, name = snakemake.params, snakemake.wildcards.degradation
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = Describer(snakemake.input.weights, device, params.precision, **params.describing)
    index = pd.read_parquet(snakemake.input.index)
    made = views(
        Store(snakemake.input.store, index),
        images.identities(index),
        name,
        params.group.get(name, {}),
        range(params.number),
        params.seed,
    )
    shown = Progress(name, params.number, "views", say).over(made)

    def left_out(view, why):
        say(f"{index['path'][view.photograph]}: a part is left out ({why})")

    table = described.of_views(shown, describer, params.laws, left_out)
    with appearing(snakemake.output.views) as temporary:
        table.to_parquet(temporary, index=False)
