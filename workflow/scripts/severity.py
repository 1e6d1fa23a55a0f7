import json

import numpy as np
import pandas as pd

from grids import degraded_pies, devices, features, ggd, pies, randomness, similarity
from grids.descriptors import srresnet
from grids.files import appearing
from grids.progress import Progress, job

with job(snakemake) as say:
    params, name = snakemake.params, snakemake.wildcards.degradation
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    describe = srresnet.describer(srresnet.load(snakemake.input.weights).to(device), params.layer)
    clean = pies.read(snakemake.input.clean)
    clean_law = pd.read_parquet(snakemake.input.ggd)
    progress = Progress(f"severities of {name}", len(params.severities), "sets", say)
    rows = []
    for values in progress.over(params.severities):
        patches, measures = degraded_pies.degraded_patches(clean, name, values, params.seed)
        pixels = np.stack([patch for _, patch in patches])
        estimate = ggd.estimate(
            features.gram(features.features(pixels, describe, device)),
            randomness.generator(randomness.key(params.seed, "half-samples")),
            **params.settings,
        )
        rows.append(
            {
                "parameters": json.dumps(values),
                "psnr_db": measures["psnr_db"].mean(),
                "alpha": estimate["alpha"][0],
                "sigma": estimate["sigma"][0],
                **similarity.between(clean_law, estimate),
            }
        )
    with appearing(snakemake.output.severity) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)
