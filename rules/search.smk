# Needs the similarity matrix; asks for groups to be trained and verified, round by round, until it
# knows the fewest groups whose models each lose at most delta.


checkpoint plan:
    """One round: what is known, and what must be trained next, or the solution."""
    input:
        similarity=f"<results>/{places.SIMILARITY}",
        verifications=known_verifications,
        affinity=searched_affinity,
    output:
        plan=f"<results>/{places.PLAN}",
    log:
        "<logs>/search/{round}.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        strategy=SETTINGS.search.strategy,
        backbone=SETTINGS.search.backbone,
        test_set=SETTINGS.search.test_set,
        settings=SETTINGS.strategy_settings(),
        degradations=SEARCHED,
        failed=SETTINGS.search.failed,
        elsewhere=searched_elsewhere(),
        groups=lambda wildcards: [list(group) for group, _ in known_trials(wildcards)],
        levels=lambda wildcards: [level for _, level in known_trials(wildcards)],
        code=code("plan.py", "search"),
    message:
        "Planning round {wildcards.round} of the search"
    script:
        "../workflow/scripts/plan.py"


rule groups:
    """The groups found, what each costs, and what it took to find them."""
    input:
        plans=all_plan_files,
        verifications=search_verifications,
        noise=noise_verifications,
        trained=trained_indexes,
        tested=tested_indexes,
    output:
        groups=report(
            f"<results>/{places.GROUPS}",
            caption="../workflow/report/groups.rst",
            category="Groups",
        ),
    log:
        "<logs>/groups.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        backbone=SETTINGS.search.backbone,
        test_set=SETTINGS.search.test_set,
        degradations=SEARCHED,
        levels=search_levels,
        elsewhere=searched_elsewhere(),
        code=code("groups.py"),
    message:
        "Writing the groups"
    script:
        "../workflow/scripts/groups.py"
