from grids.jobs.job import job
from grids.training import launch, vgg

with job(snakemake) as say:
    params = snakemake.params
    layout, execution = launch.split(snakemake.config["execution"], snakemake.threads)
    arguments = {
        "sampling": params.sampling,
        "recipe": params.recipe,
        "seed": params.seed,
        "content": params.content,
        "code": params.code,
        "index": snakemake.input.index,
        "store": snakemake.input.store,
        "weights": snakemake.output.weights,
        "history": snakemake.output.history,
        **execution,
    }
    launch.run(vgg.train, arguments, layout, say)
