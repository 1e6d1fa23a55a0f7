# Needs the photographs of the configuration; makes an index of each set and the memory-mapped store
# that trainings and verifications read.
#
# What follows from photographs depends on their content, by the parameter `content`, and not on the
# time of a file: `ancient` cuts that chain here, so that a touched photograph is only indexed again.


rule index:
    """Decodes every photograph of a set once, and notes its checksum and size."""
    input:
        photographs=photographs_of,
    output:
        index="<results>/images/{images}.parquet",
    log:
        "<logs>/index/{images}.log",
    conda:
        "../environment.yml"
    params:
        columns=lambda wildcards: list(columns_of(wildcards.images)),
        content=content(),
        code=code("index.py"),
    message:
        "Indexing the photographs of {wildcards.images}"
    script:
        "../workflow/scripts/index.py"


rule store:
    """All photographs of a set as raw 8-bit RGB in one memory-mapped file."""
    input:
        index=ancient("<results>/images/{images}.parquet"),
    output:
        store="<results>/store/{images}.npy",
    log:
        "<logs>/store/{images}.log",
    conda:
        "../environment.yml"
    params:
        source=lambda wildcards: SETTINGS.images.sources()[wildcards.images],
        content=content(),
        code=code("store.py"),
    message:
        "Decoding the photographs of {wildcards.images}"
    script:
        "../workflow/scripts/store.py"
