import shutil

from grids.files import appearing
from grids.progress import job

with job(snakemake), appearing(snakemake.output.index) as temporary:
    shutil.copyfile(snakemake.input.index, temporary)
