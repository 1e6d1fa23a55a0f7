import json

from grids.base.files import appearing
from grids.jobs.job import job
from grids.models import costs, devices

with job(snakemake) as say:
    backbone = snakemake.wildcards.backbone
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    measured = costs.measure(snakemake.config["networks"][backbone], snakemake.params.sizes, device)
    say(f"{backbone}: {measured['parameters']:,} parameters, {measured['gmacs']:.1f} GMACs")
    with appearing(snakemake.output.costs) as temporary:
        temporary.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
