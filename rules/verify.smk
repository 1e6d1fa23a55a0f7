# Needs a model and the stores of a test set and of test pairs; makes its PSNR and SSIM per image and
# degradation. Of a model that was trained elsewhere it takes them from the user's table.


rule verify:
    """A model measured on each degradation of its group."""
    input:
        weights="<results>/models/{backbone}/{group}/model.safetensors",
        index=index_of(),
        store=store_of(),
        pairs=pairs_of("evaluation"),
    output:
        verification="<results>/verify/{backbone}/{group}/{test_set}.parquet",
    log:
        "<logs>/verify/{backbone}/{group}_{test_set}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        content=content(),
        group=parameters("evaluation"),
        sizes=sizes,
        seed=SETTINGS.seed,
        code=code("verify.py", "degradations", "backbones"),
    message:
        "Verifying {wildcards.backbone} on {wildcards.group} with {wildcards.test_set}"
    script:
        "../workflow/scripts/verify.py"


use rule verify as verify_reseeded with:
    input:
        weights="<results>/reseeded/{seed}/models/{backbone}/{group}/model.safetensors",
        index=index_of(),
        store=store_of(),
        pairs=pairs_of("evaluation"),
    output:
        verification="<results>/reseeded/{seed}/verify/{backbone}/{group}/{test_set}.parquet",
    log:
        "<logs>/verify/{backbone}/{group}_{test_set}_seed_{seed}.log",
    message:
        "Verifying {wildcards.backbone} on {wildcards.group} with {wildcards.test_set},"
        " seed {wildcards.seed}"


if MEASUREMENTS:

    rule measurement:
        """One group of the table that the user brought along. Its rows count, not its time."""
        input:
            table=ancient(str(SETTINGS.search.measured_elsewhere())),
        output:
            verification="<results>/measurements/{group}/{test_set}.parquet",
        log:
            "<logs>/measurements/{group}_{test_set}.log",
        localrule: True
        conda:
            "../environment.yml"
        params:
            rows=measured_rows,
            degradations=sorted(SETTINGS.degradations),
            code=code("measurement.py"),
        message:
            "Taking {wildcards.group} on {wildcards.test_set} from elsewhere"
        script:
            "../workflow/scripts/measurement.py"
