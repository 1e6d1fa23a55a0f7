from grids.jobs.job import job
from grids.similarity import degraded_pies, pies

with job(snakemake) as say:
    ((name, parameters),) = snakemake.params.group.items()
    clean = pies.read(snakemake.input.clean)
    patches, measures = degraded_pies.degraded_patches(
        clean, name, parameters, snakemake.params.seed
    )
    pies.write(snakemake.output.pies, patches, measures)
    say(f"{name}: mean PSNR {measures['psnr_db'].mean():.2f} dB")
