import shutil
from pathlib import Path

from grids.base.files import appearing
from grids.jobs import places
from grids.jobs.job import job
from grids.search.group_names import group_name
from grids.training import launch, restorer, run

with job(snakemake) as say:
    params, backbone = snakemake.params, snakemake.wildcards.backbone
    mix, output = group_name(params.group), Path(snakemake.output.affinity)
    # A mix that was trained without measuring stays, and is trained once more, here.
    again = output.with_suffix("")
    measured = places.at(
        Path(snakemake.config["results"]), places.MEASURED_AFFINITY, backbone=backbone, group=mix
    )
    if not any(run.belongs(measured, Path(m), params.measuring) for m in snakemake.input.mix):
        say("no training of the mix of all has measured affinities: one more does")
        layout, execution = launch.split(snakemake.config["execution"], snakemake.threads)
        measured = again / "affinity.parquet"
        arguments = restorer.arguments(snakemake, backbone, execution) | {
            "start": places.first_weights(snakemake.config["start"], mix),
            "weights": str(again / "model.safetensors"),
            "history": str(again / "history.parquet"),
            "label": f"{backbone} {mix}, for affinities",
            "trunk": "",
            "affinities": params.measuring | {"file": str(measured)},
        }
        launch.run(restorer.train, arguments, layout, say)
    with appearing(output) as temporary:
        shutil.copyfile(measured, temporary)
