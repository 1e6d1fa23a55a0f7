# Needs the stores of the training photographs and pairs; makes the model of any group with any
# backbone, and the pictures of its training. Models of released weights are adopted instead.


rule train:
    """One network for one group of degradations. Killed and run again, it goes on."""
    input:
        index=index_of("train"),
        store=store_of("train"),
        pairs=pairs_of("training"),
        start=start_of,
        references=references_of,
    output:
        weights=f"<results>/{places.MODEL}",
        history=f"<results>/{places.HISTORY}",
    log:
        f"<results>/{places.TRAINING_LOG}",
    wildcard_constraints:
        backbone=rf"(?!({one_of(RELEASED)})/)[a-z0-9_]+",
    conda:
        "../environment.yml"
    threads: TRAINING_THREADS
    resources:
        **on_cluster("train"),
    params:
        **training_parameters(),
    message:
        "Training {wildcards.backbone} on {wildcards.group}"
    script:
        "../workflow/scripts/train.py"


use rule train as train_level with:
    output:
        weights=f"<results>/{places.LEVEL_MODEL}",
        history=f"<results>/{places.LEVEL_HISTORY}",
    log:
        f"<results>/{places.LEVEL_LOG}",
    params:
        **training_parameters(recipe=recipe_at_level),
    message:
        "Training {wildcards.backbone} on {wildcards.group} up to {wildcards.level} %"


use rule train as train_reseeded with:
    output:
        weights=f"<results>/{places.RESEEDED_MODEL}",
        history=f"<results>/{places.RESEEDED_HISTORY}",
    log:
        f"<results>/{places.RESEEDED_LOG}",
    params:
        **training_parameters(seed=lambda wildcards: int(wildcards.seed)),
    message:
        "Training {wildcards.backbone} on {wildcards.group} with seed {wildcards.seed}"


rule affinity:
    """How far a step for one degradation helps each other, on the way to the mix of all."""
    input:
        index=index_of("train"),
        store=store_of("train"),
        pairs=pairs_of("training"),
        mix=measured_mix,
    output:
        affinity=f"<results>/{places.AFFINITY}",
    log:
        f"<results>/{places.AFFINITY_LOG}",
    wildcard_constraints:
        backbone=rf"(?!({one_of(RELEASED)})\.)[a-z0-9_]+",
    conda:
        "../environment.yml"
    threads: TRAINING_THREADS
    resources:
        **on_cluster("train"),
    params:
        **training_parameters(
            code=code("affinity.py", "degradations", "backbones", "procedures")
        ),
        measuring=measuring,
    message:
        "Measuring affinities with {wildcards.backbone}"
    script:
        "../workflow/scripts/affinity.py"


rule adopt:
    """The weights of a file as the model of a group, in the place of a training."""
    output:
        weights=f"<results>/{places.MODEL}",
    log:
        f"<results>/{places.TRAINING_LOG}",
    wildcard_constraints:
        backbone=one_of(RELEASED),
    localrule: True
    conda:
        "../environment.yml"
    params:
        group=parameters("evaluation"),
        sizes=sizes,
        released=released_digest,
        code=code("adopt.py", "backbones"),
    message:
        "Adopting the weights of {wildcards.backbone} for {wildcards.group}"
    script:
        "../workflow/scripts/adopt.py"


rule training_figure:
    """Loss, learning rate and validation PSNR over the steps of a training."""
    input:
        history=f"<results>/{places.HISTORY}",
    output:
        figure=report(
            "<results>/report/training/{backbone}/{group}.svg",
            caption="../workflow/report/training.rst",
            category="Trainings",
            labels={
                "backbone": "{backbone}",
                "group": "{group}",
                "figure": "history",
            },
        ),
    log:
        "<logs>/report/training/{backbone}/{group}.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        group=members,
        code=code("training_figure.py"),
    message:
        "Drawing the training of {wildcards.backbone} on {wildcards.group}"
    script:
        "../workflow/scripts/training_figure.py"


rule samples:
    """Crops of the training photographs and of test pairs: degraded, restored, clean."""
    input:
        weights=f"<results>/{places.MODEL}",
        index=index_of("train"),
        store=store_of("train"),
        pairs=pairs_of("evaluation"),
    output:
        picture=report(
            "<results>/report/samples/{backbone}/{group}.png",
            caption="../workflow/report/samples.rst",
            category="Trainings",
            labels={
                "backbone": "{backbone}",
                "group": "{group}",
                "figure": "samples",
            },
        ),
    log:
        "<logs>/report/samples/{backbone}/{group}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        group=parameters("evaluation"),
        sizes=sizes,
        seed=SETTINGS.seed,
        code=code("samples.py", "degradations", "backbones"),
    message:
        "Restoring samples with {wildcards.backbone} of {wildcards.group}"
    script:
        "../workflow/scripts/samples.py"
