# Needs the PIES sets; makes the descriptor, the generalized Gaussian of each set, and the matrix of
# distances between them.


rule train_descriptor:
    """Trains the x4 super-resolver whose features describe degradations."""
    input:
        index=index_of("train"),
        store=store_of("train"),
    output:
        weights=f"<results>/{places.DESCRIPTOR}",
        history="<results>/descriptor/history.parquet",
    log:
        f"<results>/{places.DESCRIPTOR_LOG}",
    conda:
        "../environment.yml"
    threads: TRAINING_THREADS
    resources:
        **on_cluster("train"),
    params:
        content=content("train"),
        sizes=SETTINGS.descriptor.sizes(),
        sampling=SETTINGS.descriptor.sampling(),
        recipe=SETTINGS.descriptor.recipe(),
        seed=SETTINGS.seed,
        code=code("train_descriptor.py"),
    message:
        "Training the descriptor"
    script:
        "../workflow/scripts/train_descriptor.py"


rule ggd:
    """Features of a PIES set, their principal components, and the law fitted to the scores."""
    input:
        pies=f"<results>/{places.PIES}",
        weights=descriptor_weights(),
    output:
        ggd=f"<results>/{places.LAW}",
    log:
        f"<results>/{places.LAW_LOG}",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        settings=SETTINGS.ggd.model_dump(),
        descriptor=descriptor_digest(),
        layer=SETTINGS.descriptor.layer,
        seed=SETTINGS.seed,
        code=code("ggd.py"),
    message:
        "Describing {wildcards.degradation}"
    script:
        "../workflow/scripts/ggd.py"


rule similarity:
    """The distance of every ordered pair of degradations, with its standard error."""
    input:
        ggd=expand(
            f"<results>/{places.LAW}",
            degradation=sorted(SETTINGS.degradations),
        ),
    output:
        similarity=f"<results>/{places.SIMILARITY}",
    log:
        f"<results>/{places.SIMILARITY_LOG}",
    localrule: True
    conda:
        "../environment.yml"
    params:
        degradations=sorted(SETTINGS.degradations),
        code=code("similarity.py"),
    message:
        "Comparing the degradations"
    script:
        "../workflow/scripts/similarity.py"


rule severity:
    """How the distance from the clean patches grows with a degradation's severity."""
    input:
        clean="<results>/pies/clean.parquet",
        ggd="<results>/ggd/clean.parquet",
        weights=descriptor_weights(),
    output:
        severity=f"<results>/{places.SEVERITY}",
    log:
        "<logs>/severity/{degradation}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        severities=severities,
        settings=SETTINGS.ggd.model_dump(),
        descriptor=descriptor_digest(),
        layer=SETTINGS.descriptor.layer,
        seed=SETTINGS.seed,
        code=code("severity.py", "degradations"),
    message:
        "Measuring severities of {wildcards.degradation}"
    script:
        "../workflow/scripts/severity.py"
