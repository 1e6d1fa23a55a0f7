# Needs the index of the PIES photographs, and the stores of pairs; makes the clean patches and one
# degraded set for each degradation.


rule clean_pies:
    """Disjoint patches, spread evenly over the photographs."""
    input:
        index=index_of("pies"),
    output:
        pies="<results>/pies/clean.parquet",
    log:
        "<logs>/pies/clean.log",
    conda:
        "../environment.yml"
    resources:
        **on_cluster("prepare"),
    params:
        content=content("pies"),
        settings=SETTINGS.pies.cutting(),
        seed=SETTINGS.seed,
        code=code("clean_pies.py"),
    message:
        "Cutting the clean PIES patches"
    script:
        "../workflow/scripts/clean_pies.py"


rule degraded_pies:
    """The clean patches, each with one degradation."""
    input:
        clean="<results>/pies/clean.parquet",
    output:
        pies=f"<results>/{places.PIES}",
    log:
        f"<results>/{places.PIES_LOG}",
    wildcard_constraints:
        degradation=rf"(?!({one_of(['clean', *PAIRED])})\.)[a-z0-9_]+",
    conda:
        "../environment.yml"
    resources:
        **on_cluster("prepare"),
    params:
        group=parameters(SETTINGS.pies.parameters),
        seed=SETTINGS.seed,
        code=code("degraded_pies.py", "degradations"),
    message:
        "Degrading the PIES patches: {wildcards.degradation}"
    script:
        "../workflow/scripts/degraded_pies.py"


rule pair_pies:
    """Degraded patches of a degradation that is given as pairs, where clean ones lie."""
    input:
        pairs=pairs_of("pies"),
    output:
        pies=f"<results>/{places.PIES}",
    log:
        f"<results>/{places.PIES_LOG}",
    wildcard_constraints:
        degradation=one_of(PAIRED),
    conda:
        "../environment.yml"
    resources:
        **on_cluster("prepare"),
    params:
        group=parameters("pies"),
        settings=SETTINGS.pies.cutting_of_pairs(),
        seed=SETTINGS.seed,
        code=code("pair_pies.py"),
    message:
        "Cutting the PIES patches of the pairs: {wildcards.degradation}"
    script:
        "../workflow/scripts/pair_pies.py"
