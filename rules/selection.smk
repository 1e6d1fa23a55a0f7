# Needs the models of the groups; makes what chooses among them for a photograph, measures it on the
# test sets, and exports both. Nothing here belongs to `all`: ask for results/bundle.


rule views:
    """Statistics of parts of the training photographs: under one degradation, any two, or none."""
    input:
        index=index_of("train"),
        store=store_of("train"),
        weights=descriptor_weights(),
    output:
        views=f"<results>/{places.VIEWS}",
    log:
        "<logs>/selection/views/{degradation}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        content=content("train"),
        values=viewed,
        number=SETTINGS.selection.views,
        pictures=SETTINGS.selection.pictures.model_dump(),
        laws=lambda wildcards: LAWS if wildcards.degradation in SELECTED else 0,
        describing=SETTINGS.describing(),
        precision=SETTINGS.selection.precision,
        descriptor=descriptor_digest(),
        seed=SETTINGS.seed,
        code=code_of_views,
    message:
        "Describing parts of photographs: {wildcards.degradation}"
    script:
        "../workflow/scripts/views.py"


rule real_views:
    """Statistics of parts of the real pairs that the choice is fitted to."""
    input:
        index=lambda wildcards: index_of(calibrating(wildcards))(wildcards),
        store=lambda wildcards: store_of(calibrating(wildcards))(wildcards),
        weights=descriptor_weights(),
    output:
        views=f"<results>/{places.REAL_VIEWS}",
    log:
        "<logs>/selection/real/{pairs}.log",
    wildcard_constraints:
        pairs=one_of(REAL),
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        content=lambda wildcards: content_of(calibrating(wildcards)),
        number=SETTINGS.selection.views,
        describing=SETTINGS.describing(),
        precision=SETTINGS.selection.precision,
        descriptor=descriptor_digest(),
        seed=SETTINGS.seed,
        code=code("real_views.py"),
    message:
        "Describing parts of real pairs: {wildcards.pairs}"
    script:
        "../workflow/scripts/real_views.py"


rule examples:
    """Small pictures of views that the choice is fitted to, to show what photographs are like."""
    input:
        index=index_of("train"),
        store=store_of("train"),
        views=expand(
            f"<results>/{places.VIEWS}",
            degradation=CLASSES,
        ),
    output:
        examples=f"<results>/{places.EXAMPLES}",
    log:
        "<logs>/selection/examples.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        content=content("train"),
        number=EXAMPLES,
        parameters=CLASSES,
        pictures=SETTINGS.selection.pictures.model_dump(),
        seed=SETTINGS.seed,
        code=code("examples.py", degradations=SELECTED),
    message:
        "Drawing examples of what the choice is fitted to"
    script:
        "../workflow/scripts/examples.py"


rule selector:
    """What chooses among the groups and predicts their gains: fitted, and calibrated."""
    input:
        index=index_of("train"),
        store=store_of("train"),
        views=expand(
            f"<results>/{places.VIEWS}",
            degradation=VIEWED,
        ),
        real=expand(f"<results>/{places.REAL_VIEWS}", pairs=REAL),
        pairs=calibrating_pairs,
        models=selected_models,
        mix=model_file(SETTINGS.search.backbone, MIX),
        weights=descriptor_weights(),
    output:
        selector=f"<results>/{places.SELECTOR}",
        descriptor=f"<results>/{places.SELECTOR_DESCRIPTOR}",
        calibration="<results>/selection/calibration.parquet",
    log:
        "<logs>/selection/selector.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        content=content("train"),
        groups=lambda wildcards: [
            list(members_of(group)) for group in selected_groups(wildcards)
        ],
        mix=MIX,
        parameters=lambda wildcards: fitted_to(),
        pictures=SETTINGS.selection.pictures.model_dump(),
        backbone=SETTINGS.search.backbone,
        sizes=SETTINGS.sizes(SETTINGS.search.backbone),
        describing=SETTINGS.describing(),
        restored=SETTINGS.selection.restored,
        precision=SETTINGS.selection.precision,
        seed=SETTINGS.seed,
        code=code("selector.py", "backbones", degradations=SELECTED),
    message:
        "Fitting the choice among the groups"
    script:
        "../workflow/scripts/selector.py"


rule selection_cases:
    """The photographs of a test set under every degradation, described."""
    input:
        index=lambda wildcards: index_of(judged(wildcards))(wildcards),
        store=lambda wildcards: store_of(judged(wildcards))(wildcards),
        weights=descriptor_weights(),
    output:
        cases=f"<results>/{places.CASES}",
    log:
        "<logs>/selection/cases/{test_set}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        content=lambda wildcards: content_of(judged(wildcards)),
        shown=tried,
        describing=SETTINGS.describing(),
        precision=SETTINGS.selection.precision,
        descriptor=descriptor_digest(),
        seed=SETTINGS.seed,
        code=code_of_cases("selection_cases.py"),
    message:
        "Describing {wildcards.test_set} under every degradation"
    script:
        "../workflow/scripts/selection_cases.py"


rule selection_gains:
    """What a model gives for the photographs of a test set under every degradation."""
    input:
        weights=f"<results>/{places.MODEL}",
        index=lambda wildcards: index_of(judged(wildcards))(wildcards),
        store=lambda wildcards: store_of(judged(wildcards))(wildcards),
    output:
        gains=f"<results>/{places.GAINS}",
    log:
        "<logs>/selection/gains/{backbone}/{group}_{test_set}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        content=lambda wildcards: content_of(judged(wildcards)),
        shown=tried,
        kinds=COMPARED,
        sizes=sizes,
        precision=SETTINGS.selection.precision,
        seed=SETTINGS.seed,
        code=code_of_cases("selection_gains.py", "backbones"),
    message:
        "Measuring gains of {wildcards.backbone} on {wildcards.group} with {wildcards.test_set}"
    script:
        "../workflow/scripts/selection_gains.py"


rule selection_steps:
    """What becomes of two degradations after one another, and of real damage, in several steps."""
    input:
        selector=f"<results>/{places.SELECTOR}",
        models=selected_models,
        mix=model_file(SETTINGS.search.backbone, MIX),
        index=lambda wildcards: index_of(judged(wildcards))(wildcards),
        store=lambda wildcards: store_of(judged(wildcards))(wildcards),
    output:
        steps=f"<results>/{places.STEPS}",
    log:
        "<logs>/selection/steps/{test_set}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        content=lambda wildcards: content_of(judged(wildcards)),
        shown=tried,
        kinds=OUTSIDERS,
        precision=SETTINGS.selection.precision,
        seed=SETTINGS.seed,
        code=code_of_cases("selection_steps.py", "backbones"),
    message:
        "Restoring {wildcards.test_set} in several steps"
    script:
        "../workflow/scripts/selection_steps.py"


rule decisions:
    """What is chosen and promised for a test set, and what every choice would have given."""
    input:
        selector=f"<results>/{places.SELECTOR}",
        cases=f"<results>/{places.CASES}",
        gains=selected_gains,
        mix=f"{RESULTS}/{places.GAINS}".format(
            backbone=SETTINGS.search.backbone, group=MIX, test_set="{test_set}"
        ),
    output:
        decisions="<results>/selection/decisions_{test_set}.parquet",
    log:
        "<logs>/selection/decisions_{test_set}.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        groups=lambda wildcards: [
            list(members_of(group)) for group in selected_groups(wildcards)
        ],
        code=code("decisions.py"),
    message:
        "Choosing for {wildcards.test_set}"
    script:
        "../workflow/scripts/decisions.py"


rule selection_figures:
    """How often the choice is right, what wrong ones cost, and whether promises are kept."""
    input:
        decisions="<results>/selection/decisions_{test_set}.parquet",
        steps=f"<results>/{places.STEPS}",
    output:
        text=report(
            f"<results>/{places.SELECTION_TEXT}",
            caption="../workflow/report/selection_text.rst",
            category="Selection",
            labels={"figure": "numbers", "test set": "{test_set}"},
        ),
        choices=report(
            "<results>/report/selection_{test_set}.svg",
            caption="../workflow/report/selection.rst",
            category="Selection",
            labels={"figure": "choices", "test set": "{test_set}"},
        ),
        promises=report(
            "<results>/report/selection_gains_{test_set}.svg",
            caption="../workflow/report/selection_gains.rst",
            category="Selection",
            labels={"figure": "gains", "test set": "{test_set}"},
        ),
    log:
        "<logs>/report/selection_{test_set}.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        code=code("selection_figures.py"),
    message:
        "Drawing the choices for {wildcards.test_set}"
    script:
        "../workflow/scripts/selection_figures.py"


rule nearest_examples:
    """Photographs of a test set beside the views of the fit that they are most like."""
    input:
        decisions="<results>/selection/decisions_{test_set}.parquet",
        cases=f"<results>/{places.CASES}",
        selector=f"<results>/{places.SELECTOR}",
        examples=f"<results>/{places.EXAMPLES}",
        index=lambda wildcards: index_of(judged(wildcards))(wildcards),
        store=lambda wildcards: store_of(judged(wildcards))(wildcards),
    output:
        report(
            f"<results>/{places.NEAREST}",
            caption="../workflow/report/selection_nearest.rst",
            category="Selection",
            labels={"figure": "nearest views", "test set": "{test_set}"},
        ),
    log:
        "<logs>/report/selection_nearest_{test_set}.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("describe"),
    params:
        content=lambda wildcards: content_of(judged(wildcards)),
        shown=tried,
        seed=SETTINGS.seed,
        code=code_of_cases("nearest_examples.py"),
    message:
        "Drawing what photographs of {wildcards.test_set} are taken for"
    script:
        "../workflow/scripts/nearest_examples.py"


rule real_photographs:
    """What is chosen and promised for photographs with unknown damage."""
    input:
        selector=f"<results>/{places.SELECTOR}",
        descriptor=f"<results>/{places.SELECTOR_DESCRIPTOR}",
        models=selected_models,
        mix=model_file(SETTINGS.search.backbone, MIX),
        index=index_of("real"),
        store=store_of("real"),
    output:
        decisions="<results>/selection/real.csv",
    log:
        "<logs>/selection/real.log",
    conda:
        "../environment.yml"
    threads: SETTINGS.execution.threads
    resources:
        **on_cluster("verify"),
    params:
        content=content("real"),
        precision=SETTINGS.selection.precision,
        code=code("real_photographs.py", "backbones"),
    message:
        "Choosing for the photographs of images.real"
    script:
        "../workflow/scripts/real_photographs.py"


rule bundle:
    """All that `grids restore` needs, in one folder."""
    input:
        selector=f"<results>/{places.SELECTOR}",
        descriptor=f"<results>/{places.SELECTOR_DESCRIPTOR}",
        models=selected_models,
        measured=expand(
            f"<results>/{places.SELECTION_TEXT}",
            test_set=[*SETTINGS.report.test_sets, *REAL],
        ),
        nearest=expand(
            f"<results>/{places.NEAREST}",
            test_set=[*SETTINGS.report.test_sets, *REAL],
        ),
        shown=[f"{RESULTS}/selection/real.csv"] if SETTINGS.images.real else [],
    output:
        bundle=directory(f"<results>/{places.BUNDLE}"),
    log:
        "<logs>/selection/bundle.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        code=code("bundle.py"),
    message:
        "Exporting the models with what chooses among them"
    script:
        "../workflow/scripts/bundle.py"
