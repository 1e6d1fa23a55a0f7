from snakemake.utils import min_version

min_version("9.27")


include: "rules/checkout.smk"


configfile: f"{workflow.current_basedir}/config/config.yaml"


include: "rules/common.smk"


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",


wildcard_constraints:
    backbone=r"[a-z0-9_]+",
    degradation=r"[a-z0-9_]+",
    descriptor=r"[a-z0-9_]+",
    group=r"[a-z0-9_]+(\+[a-z0-9_]+)*",
    images=r"[A-Za-z0-9_.-]+",
    content=r"[0-9a-f]{16}",
    test_set=r"[A-Za-z0-9_-]+",
    seed=r"\d+",
    level=r"\d+",
    round=r"\d+",


include: "rules/images.smk"
include: "rules/pies.smk"
include: "rules/similarity.smk"
include: "rules/candidates.smk"
include: "rules/train.smk"
include: "rules/verify.smk"
include: "rules/search.smk"
include: "rules/report.smk"
include: "rules/selection.smk"


rule all:
    """The groups, their models, the rankings, the tables and the figures."""
    default_target: True
    input:
        groups=f"<results>/{places.GROUPS}",
        models=found_models,
        rankings=rules.candidates.output.rankings,
        report=report_files(),


# Records, and what depends on a rule's name, know rules by the names that they have here. A workflow
# that imports this one may give them others.
config["rules"] = {proxy.rule.name: name for name, proxy in rules._rules.items()}


onstart:
    note_settings()


onsuccess:
    finish()


onerror:
    print_refusals()
