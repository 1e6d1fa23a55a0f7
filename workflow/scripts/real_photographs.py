import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images.store import Store
from grids.jobs.job import job
from grids.models import devices, restorers, tiles
from grids.selection import selector_file
from grids.selection.decision import MIX
from grids.selection.fitting import choices
from grids.selection.rule import Rule
from grids.selection.torch_describer import describer as torch_describer

with job(snakemake) as say:
    given = snakemake.input
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    arrays, about = selector_file.read(given.selector)
    describer = torch_describer(
        given.descriptor, device, snakemake.params.precision, **about["describing"]
    )
    models = {
        name: tiles.of_arrays(
            restorers.read(path, about["backbone"], about["sizes"], device),
            device,
            snakemake.params.precision,
        )
        for name, path in zip([*about["groups"], MIX], [*given.models, given.mix], strict=True)
    }
    index = pd.read_parquet(given.index)
    shown = Progress("choices", len(index), "images", say).over(Store(given.store, index))
    photographs = zip(index["path"], shown, strict=True)
    table = choices.of_photographs(photographs, describer, Rule.of(arrays), models)
    with appearing(snakemake.output.decisions) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
