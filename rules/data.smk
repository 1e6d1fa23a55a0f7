# Needs the photographs of the configuration; makes an index of each set and the memory-mapped store
# that trainings and verifications read.


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
        columns=columns_of,
        code=code("index.py"),
    message:
        "Indexing the photographs of {wildcards.images}"
    script:
        "../workflow/scripts/index.py"


rule store:
    """All photographs of a set as raw 8-bit RGB in one memory-mapped file."""
    input:
        photographs=photographs_of,
        index="<results>/images/{images}.parquet",
    output:
        store="<results>/store/{images}.npy",
    log:
        "<logs>/store/{images}.log",
    conda:
        "../environment.yml"
    params:
        code=code("store.py"),
    message:
        "Decoding the photographs of {wildcards.images}"
    script:
        "../workflow/scripts/store.py"
