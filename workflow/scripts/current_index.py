import shutil

from grids.base.files import appearing
from grids.jobs.job import job

with job(snakemake), appearing(snakemake.output.index) as temporary:
    shutil.copyfile(snakemake.input.index, temporary)
