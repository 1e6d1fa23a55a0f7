from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images.store import read_pairs
from grids.jobs.job import job
from grids.models import devices
from grids.selection.fitting import described, real
from grids.selection.torch_describer import describer as torch_describer

with job(snakemake) as say:
    params, name = snakemake.params, snakemake.wildcards.pairs
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describer = torch_describer(
        snakemake.config["weights"], device, params.precision, **params.describing
    )
    files = [snakemake.input.index, snakemake.input.store]
    (pairs,) = read_pairs({name: {"pairs": params.content}}, files).values()
    made = real.views(pairs, range(params.number), params.seed)
    shown = Progress(name, params.number, "views", say).over(made)

    def left_out(view, why):
        say(f"{pairs.names[view.photograph]}: a part is left out ({why})")

    # Nobody asks for their law: it tells of single degradations alone.
    table = described.of_views(shown, describer, 0, left_out)
    with appearing(snakemake.output.views) as temporary:
        table.to_parquet(temporary, index=False)
