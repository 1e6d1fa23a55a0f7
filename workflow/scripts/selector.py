from pathlib import Path

import numpy as np
import pandas as pd

from grids.base.files import appearing, sha256
from grids.base.progress import Progress
from grids.descriptors import srresnet
from grids.images import reading
from grids.images.store import Store, read_pairs
from grids.jobs.job import job
from grids.models import devices, restorers, weights
from grids.search.group_names import group_name
from grids.selection import selector_file
from grids.selection.fitting import fit, gains
from grids.selection.fitting.pictures import Shares
from grids.selection.fitting.views import sources_of

with job(snakemake) as say:
    params, given, output = snakemake.params, snakemake.input, snakemake.output
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    networks = [
        restorers.read(path, params.backbone, params.sizes, device)
        for path in [*given.models, given.mix]
    ]
    index = pd.read_parquet(given.index)
    sources = np.array(sources_of(index["path"]))

    def named(path):
        """Views with their degradation, or the name of their real pairs, which the file has."""
        return pd.read_parquet(path).assign(degradation=Path(path).stem)

    made = pd.concat(map(named, given.views))
    tables = [named(path) for path in given.real]
    real = [table.assign(source="pairs: " + table["degradation"]) for table in tables]
    views = pd.concat([made.assign(source=sources[made["photograph"]]), *real], ignore_index=True)

    def measured(table):
        return gains.with_gains(
            table,
            networks,
            Store(given.store, index),
            reading.identities(index),
            sources,
            params.parameters,
            Shares(**params.pictures),
            params.seed,
            device,
            params.precision,
            Progress("gains", len(table), "views", say).report,
            read_pairs(params.parameters, given.pairs),
        )

    say(f"what tells the classes apart is fitted, of {len(views)} views; then gains are measured")
    rule, judged = fit.fitted(views, params.groups, params.restored, measured)
    about = {
        "groups": [group_name(group) for group in params.groups],
        "backbone": params.backbone,
        "sizes": params.sizes,
        "describing": params.describing,
        "mix": params.mix,
        "models": [sha256(Path(path)) for path in [*given.models, given.mix]],
    }
    selector_file.save(output.selector, rule.arrays(), about)
    descriptor = snakemake.config["weights"]
    weights.save(output.descriptor, srresnet.load(descriptor), weights.about(descriptor))
    with appearing(output.calibration) as temporary:
        judged.drop(columns=["vector", "trials"]).to_parquet(temporary, index=False)
    say(f"the probabilities of the discriminant are tempered by {rule.temperature.item():.2f}")
    say(f"intervals are for {rule.level.item():.2f} of all gains, to hold for each source")
