from grids.base.files import appearing
from grids.base.progress import Progress
from grids.jobs.job import job
from grids.models import devices, restorers
from grids.selection import selector_file
from grids.selection.decision import MIX
from grids.selection.describer import Describer
from grids.selection.fitting import shown
from grids.selection.fitting.steps import Steps
from grids.selection.rule import Rule

with job(snakemake) as say:
    given, params, test_set = snakemake.input, snakemake.params, snakemake.wildcards.test_set
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    arrays, about = selector_file.read(given.selector)
    networks = {
        name: restorers.read(path, about["backbone"], about["sizes"], device)
        for name, path in zip([*about["groups"], MIX], [*given.models, given.mix], strict=True)
    }
    # The layer is that of laws.
    measured = {name: value for name, value in about["describing"].items() if name != "layer"}
    steps = Steps(Describer(**measured), Rule.of(arrays), networks, device, params.precision)
    photographs = shown.of_test_set(test_set, given.index, given.store, params.shown, params.seed)
    progress = Progress(f"steps of {test_set}", len(photographs), "images", say)
    table = steps.table(progress.over(photographs), params.kinds)
    with appearing(snakemake.output.steps) as temporary:
        table.to_parquet(temporary, index=False)
