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


rule train_vgg:
    """Trains VGG19 to give grey photographs their colours, where it has no weights from elsewhere."""
    input:
        index=index_of("train"),
        store=store_of("train"),
    output:
        weights=f"<results>/{places.VGG}",
        history="<results>/descriptors/vgg/history.parquet",
    log:
        "<logs>/descriptors/vgg/train.log",
    conda:
        "../environment.yml"
    threads: TRAINING_THREADS
    resources:
        **on_cluster("train"),
    params:
        content=content("train"),
        sampling=SETTINGS.descriptor.vgg.sampling(),
        recipe=SETTINGS.descriptor.vgg.recipe(),
        seed=SETTINGS.seed,
        code=code("train_vgg.py"),
    message:
        "Training VGG19 on colours"
    script:
        "../workflow/scripts/train_vgg.py"


rule ggd:
    """Features of a PIES set, their principal components, and the law fitted to the scores."""
    input:
        pies=f"<results>/{places.PIES}",
        weights=describing_weights,
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
        network=described_with,
        descriptor=lambda wildcards: descriptor_digest(described_with(wildcards)),
        layer=lambda wildcards: SETTINGS.descriptor.layer_of(described_with(wildcards)),
        seed=SETTINGS.seed,
        code=code("ggd.py", "descriptors"),
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


use rule ggd as ggd_compared with:
    output:
        ggd=f"<results>/{places.OTHER_LAW}",
    log:
        "<logs>/descriptors/{descriptor}/{degradation}.log",
    message:
        "Describing {wildcards.degradation} with {wildcards.descriptor}"


use rule similarity as similarity_compared with:
    input:
        ggd=expand(
            f"<results>/{places.OTHER_LAW}",
            degradation=sorted(SETTINGS.degradations),
            allow_missing=True,
        ),
    output:
        similarity=f"<results>/{places.OTHER_SIMILARITY}",
    log:
        "<logs>/descriptors/{descriptor}/similarity.log",
    message:
        "Comparing the degradations with {wildcards.descriptor}"


rule severity:
    """How the distance from the clean patches grows with a degradation's severity."""
    input:
        clean="<results>/pies/clean.parquet",
        ggd="<results>/ggd/clean.parquet",
        weights=describing_weights,
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
        network=described_with,
        descriptor=lambda wildcards: descriptor_digest(described_with(wildcards)),
        layer=lambda wildcards: SETTINGS.descriptor.layer_of(described_with(wildcards)),
        seed=SETTINGS.seed,
        code=code("severity.py", "degradations", "descriptors"),
    message:
        "Measuring severities of {wildcards.degradation}"
    script:
        "../workflow/scripts/severity.py"
