import pandas as pd

from grids.base.files import appearing
from grids.base.progress import Progress
from grids.images.store import Store
from grids.jobs.job import job
from grids.models import devices
from grids.selection import selector_file
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
    index = pd.read_parquet(given.index)
    shown = Progress("choices", len(index), "images", say).over(Store(given.store, index))
    photographs = zip(index["path"], shown, strict=True)
    table = choices.of_photographs(photographs, describer, Rule.of(arrays), tuple(about["groups"]))
    with appearing(snakemake.output.decisions) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
