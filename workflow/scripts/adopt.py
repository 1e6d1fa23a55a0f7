from pathlib import Path

from grids.base.files import sha256
from grids.jobs.job import job
from grids.models import released, weights

with job(snakemake) as say:
    params, backbone = snakemake.params, snakemake.wildcards.backbone
    given = snakemake.config["released"][backbone]
    module = snakemake.config["networks"][backbone]
    network, words = released.adopt(module, params.sizes, given["file"], given["key"])
    say(f"{backbone}: {words}")
    about = {
        "backbone": module,
        "sizes": params.sizes,
        "group": params.group,
        "released": words,
        "start": sha256(Path(given["file"])),
    }
    weights.save(Path(snakemake.output.weights), network, about)
