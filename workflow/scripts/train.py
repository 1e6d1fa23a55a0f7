from pathlib import Path

from grids.jobs import places
from grids.jobs.job import job
from grids.training import launch, restorer

with job(snakemake) as say:
    params, wildcards = snakemake.params, snakemake.wildcards
    layout, execution = launch.split(snakemake.config["execution"], snakemake.threads)
    start = "".join(snakemake.input.start) or places.first_weights(
        snakemake.config["start"], wildcards.group
    )
    folder, measured = Path(snakemake.config["results"]), snakemake.config["measured"]
    named = {"backbone": wildcards.backbone, "group": wildcards.group}
    trunk = ""
    if not hasattr(wildcards, "seed"):
        trunk = str(places.at(folder, places.TRUNK, **named))
    affinities = {}
    # Not of another seed, nor of a level.
    if dict(wildcards.items()) == measured["of"]:
        file = places.at(folder, places.MEASURED_AFFINITY, **named)
        affinities = measured["how"] | {"file": str(file)}
    arguments = restorer.arguments(snakemake, wildcards.backbone, execution) | {
        "start": start,
        "weights": snakemake.output.weights,
        "history": snakemake.output.history,
        "label": f"{wildcards.backbone} {wildcards.group}",
        "trunk": trunk,
        "affinities": affinities,
        "references": dict(zip(sorted(params.group), snakemake.input.references, strict=False)),
    }
    launch.run(restorer.train, arguments, layout, say)
