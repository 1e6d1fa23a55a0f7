import importlib

import numpy as np

from grids.base import randomness
from grids.base.files import appearing
from grids.base.progress import Progress
from grids.jobs.job import job
from grids.models import devices
from grids.similarity import features, ggd, pies

with job(snakemake) as say:
    params, name = snakemake.params, snakemake.wildcards.degradation
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    descriptor = importlib.import_module(f"grids.descriptors.{params.network}")
    network = descriptor.load(snakemake.config["descriptors"][params.network])
    describe = descriptor.describer(network.to(device), params.layer)
    patches = np.stack([pixels for _, pixels in pies.read(snakemake.input.pies)])
    progress = Progress(f"features {name}", len(patches), "patches", say)
    described = features.features(patches, describe, device, progress.report)
    # The halves are the same for all sets, so that their patches' noise cancels in a distance.
    generator = randomness.generator(randomness.key(params.seed, "half-samples"))
    estimate = ggd.estimate(features.gram(described), generator, **params.settings)
    with appearing(snakemake.output.ggd) as temporary:
        estimate.to_parquet(temporary, index=False)
    say(f"{name}: alpha {estimate['alpha'][0]:.3f}, sigma {estimate['sigma'][0]:.3f}")
