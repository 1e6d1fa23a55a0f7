import pandas as pd

from grids import devices, gains, images, restorers, selection_fit, selector_file, weights
from grids.descriptors import srresnet
from grids.files import appearing
from grids.names import group_name
from grids.progress import Progress, job
from grids.store import Store

with job(snakemake) as say:
    params, given, output = snakemake.params, snakemake.input, snakemake.output
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    networks = [
        restorers.read(path, params.backbone, params.sizes, device) for path in given.models
    ]

    def described(paths):
        # Its file names the degradation of a set.
        tables = {
            path.rpartition("/")[2].partition(".")[0]: pd.read_parquet(path) for path in paths
        }
        return pd.concat([table.assign(degradation=name) for name, table in tables.items()])

    def measured(table, role):
        index = pd.read_parquet(given[f"{role}_index"])
        return gains.with_gains(
            table.reset_index(drop=True),
            networks,
            Store(given[f"{role}_store"], index),
            images.identities(index),
            params.parameters,
            params.seed,
            device,
            params.precision,
            Progress(f"gains on {role}", len(table), "views", say).report,
        )

    references, calibration = described(given.train), described(given.pies)
    rule = selection_fit.fit(references, params.groups)
    gained = measured(selection_fit.for_prediction(references, params.groups), "train")
    rule = selection_fit.predict(rule, gained, params.groups)
    views = measured(selection_fit.for_calibration(rule, calibration), "pies")
    rule = selection_fit.calibrate(rule, views)
    about = {
        "groups": [group_name(group) for group in params.groups],
        "backbone": params.backbone,
        "sizes": params.sizes,
        "describing": params.describing,
    }
    selector_file.save(output.selector, rule.arrays(), about)
    weights.save(output.descriptor, srresnet.load(given.weights), weights.about(given.weights))
    with appearing(output.calibration) as temporary:
        views.drop(columns="vector").to_parquet(temporary, index=False)
    names = [name for group in params.groups for name in group]
    for name, margin in zip(names, rule.margin_db, strict=True):
        say(f"{name}: gains within {margin:.2f} dB of the prediction")
