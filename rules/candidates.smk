# Needs the similarity matrix; makes the ranking of all groups of each size, beyond 20 degradations of
# the most similar ones.


rule candidates:
    """Λ_L for every size L: all groups, the most similar first."""
    input:
        similarity=f"<results>/{places.SIMILARITY}",
    output:
        rankings=expand(f"<results>/{places.RANKING}", size=range(1, len(SEARCHED) + 1)),
    log:
        "<logs>/candidates.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        settings=SETTINGS.candidates.model_dump(),
        degradations=SEARCHED,
        code=code("candidates.py"),
    message:
        "Ranking the groups"
    script:
        "../workflow/scripts/candidates.py"
