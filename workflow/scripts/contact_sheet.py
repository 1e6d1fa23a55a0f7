from grids.jobs.job import job
from grids.report import contact_sheet, style

with job(snakemake):
    names, paths = snakemake.params.degradations, snakemake.input.pies
    sets = {name: contact_sheet.read(path) for name, path in zip(names, paths, strict=True)}
    style.save(contact_sheet.figure(sets, snakemake.params.paired), snakemake.output.figure)
