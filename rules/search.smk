# Needs the rankings; asks for groups to be trained and verified, round by round, until it knows the
# fewest groups whose models each lose at most delta.


checkpoint plan:
    """One round: what is known, and what must be trained next, or the solution."""
    input:
        rankings=rules.candidates.output.rankings,
        verifications=verified_before,
    output:
        plan="<results>/search/{round}.json",
    log:
        "<logs>/search/{round}.log",
    conda:
        "../environment.yml"
    params:
        settings=SETTINGS.search.model_dump(include={"strategy", "delta"}),
        code=code("plan.py", "search"),
    message:
        "Planning round {wildcards.round} of the search"
    script:
        "../workflow/scripts/plan.py"


rule groups:
    """The groups found, what each costs, and what it took to find them."""
    input:
        plan=last_plan_file,
        verifications=search_verifications,
        noise=noise_verifications,
    output:
        groups="<results>/groups.json",
    log:
        "<logs>/groups.log",
    conda:
        "../environment.yml"
    params:
        settings=SETTINGS.search.model_dump(
            include={"strategy", "backbone", "delta", "test_set"}
        ),
        degradations=SEARCHED,
        code=code("groups.py"),
    message:
        "Writing the groups"
    script:
        "../workflow/scripts/groups.py"
