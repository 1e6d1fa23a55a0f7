# Needs the photographs of the configuration; makes an index of each set, and the memory-mapped store
# that trainings and verifications read.
#
# The files are named by the content of the set. So what follows from photographs depends on their
# pixels and not on the time of a file, and an index or a store that is made again, because it was
# deleted, trains no network again. No parameter stands here for the same reason: what matters is in
# the name, and where the photographs are is read from the configuration.


rule index:
    """Decodes every photograph of a set once, and notes its checksum and size."""
    output:
        index=f"<results>/{places.INDEX}",
    log:
        "<logs>/index/{images}/{content}.log",
    conda:
        "../environment.yml"
    resources:
        **on_cluster("prepare"),
    message:
        "Indexing the photographs of {wildcards.images}"
    script:
        "../workflow/scripts/index.py"


rule store:
    """All photographs of a set as raw 8-bit RGB in one memory-mapped file."""
    input:
        index=ancient(f"<results>/{places.INDEX}"),
    output:
        store=f"<results>/{places.STORE}",
    log:
        "<logs>/store/{images}/{content}.log",
    conda:
        "../environment.yml"
    resources:
        **on_cluster("prepare"),
    message:
        "Decoding the photographs of {wildcards.images}"
    script:
        "../workflow/scripts/store.py"


rule current_index:
    """The index of a set as it is now, by a plain name."""
    input:
        index=lambda wildcards: index_of(wildcards.images)(wildcards),
    output:
        index=f"<results>/{places.CURRENT_INDEX}",
    log:
        "<logs>/index/{images}.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        content=lambda wildcards: content_of(wildcards.images),
    message:
        "Naming the index of {wildcards.images}"
    script:
        "../workflow/scripts/current_index.py"
