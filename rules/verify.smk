# Needs a model and the stores of a test set and of test pairs; makes its PSNR and SSIM per image and
# degradation. Of a model that was trained elsewhere it takes them from the user's table. What a network
# costs is measured without a model.


rule verify:
    """A model measured on each degradation of its group."""
    input:
        weights=f"<results>/{places.MODEL}",
        index=index_of(),
        store=store_of(),
        pairs=pairs_of("evaluation"),
    output:
        verification=f"<results>/{places.VERIFICATION}",
    log:
        f"<results>/{places.VERIFICATION_LOG}",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        **verifying_parameters(),
    message:
        "Verifying {wildcards.backbone} on {wildcards.group} with {wildcards.test_set}"
    script:
        "../workflow/scripts/verify.py"


use rule verify as verify_level with:
    input:
        weights=f"<results>/{places.LEVEL_MODEL}",
        index=index_of(),
        store=store_of(),
        pairs=pairs_of("evaluation"),
    output:
        verification=f"<results>/{places.LEVEL_VERIFICATION}",
    log:
        f"<results>/{places.LEVEL_VERIFICATION_LOG}",
    message:
        "Verifying {wildcards.backbone} on {wildcards.group} with {wildcards.test_set},"
        " at {wildcards.level} %"


use rule verify as verify_reseeded with:
    input:
        weights=f"<results>/{places.RESEEDED_MODEL}",
        index=index_of(),
        store=store_of(),
        pairs=pairs_of("evaluation"),
    output:
        verification=f"<results>/{places.RESEEDED_VERIFICATION}",
    log:
        f"<results>/{places.RESEEDED_VERIFICATION_LOG}",
    message:
        "Verifying {wildcards.backbone} on {wildcards.group} with {wildcards.test_set},"
        " seed {wildcards.seed}"


use rule verify as verify_compared with:
    input:
        weights=f"<results>/{places.MODEL}",
        index=index_of(),
        store=store_of(),
        pairs=pairs_of("evaluation", searched),
    output:
        verification=f"<results>/{places.COMPARED_VERIFICATION}",
    log:
        f"<results>/{places.COMPARED_VERIFICATION_LOG}",
    params:
        **verifying_parameters(
            group=parameters("evaluation", searched),
            code=code("verify.py", "backbones", degradations=SEARCHED),
        ),
    message:
        "Verifying {wildcards.backbone} of {wildcards.group} on all degradations with"
        " {wildcards.test_set}"


rule costs:
    """Parameters, multiplications, time and memory of a network, on this machine."""
    output:
        costs=f"<results>/{places.COSTS}",
    log:
        "<logs>/costs/{backbone}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        sizes=sizes,
        code=code("costs.py", "backbones"),
    message:
        "Measuring what {wildcards.backbone} costs"
    script:
        "../workflow/scripts/costs.py"


if MEASUREMENTS:

    rule measurement:
        """One group of the table that the user brought along. Its rows count."""
        output:
            verification=f"<results>/{places.MEASUREMENT}",
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
