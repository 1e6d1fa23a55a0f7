# Needs the training store; makes the model of any group with any backbone.


rule train:
    """One network for one group of degradations. Killed and run again, it goes on."""
    input:
        index=ancient("<results>/images/train.parquet"),
        store=ancient("<results>/store/train.npy"),
    output:
        weights="<results>/models/{backbone}/{group}/model.safetensors",
        history="<results>/models/{backbone}/{group}/history.parquet",
    log:
        "<logs>/train/{backbone}/{group}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    params:
        content=content("train"),
        recipe=SETTINGS.training.recipe(),
        sampling=SETTINGS.training.sampling(),
        group=parameters("training"),
        sizes=sizes,
        seed=SETTINGS.seed,
        code=code("train.py", "degradations", "backbones"),
    message:
        "Training {wildcards.backbone} on {wildcards.group}"
    script:
        "../workflow/scripts/train.py"


use rule train as train_reseeded with:
    output:
        weights="<results>/reseeded/{seed}/models/{backbone}/{group}/model.safetensors",
        history="<results>/reseeded/{seed}/models/{backbone}/{group}/history.parquet",
    log:
        "<logs>/train/{backbone}/{group}_seed_{seed}.log",
    params:
        content=content("train"),
        recipe=SETTINGS.training.recipe(),
        sampling=SETTINGS.training.sampling(),
        group=parameters("training"),
        sizes=sizes,
        seed=lambda wildcards: int(wildcards.seed),
        code=code("train.py", "degradations", "backbones"),
    message:
        "Training {wildcards.backbone} on {wildcards.group} with seed {wildcards.seed}"
