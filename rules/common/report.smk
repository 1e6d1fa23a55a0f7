# What the tables and figures are made of, and which there are.


def further_measures():
    """Parameter: columns of PSNR besides the usual one; none unless they are asked for."""
    columns = measures.columns(SETTINGS.report.y_channel, SETTINGS.report.crop_border)
    return {"further": columns} if columns else {}


def verifying_parameters(**others):
    """Parameters of the rules that verify, but for those that a rule has otherwise."""
    return {
        **further_measures(),
        "content": content(),
        "group": parameters("evaluation"),
        "sizes": sizes,
        "seed": SETTINGS.seed,
        "code": code("verify.py", "degradations", "backbones"),
        **others,
    }


def backbone_verifications(wildcards):
    """Verifications of a backbone on a test set: singles, mix of all, and the groups found."""
    groups = {*SINGLES, MIX, *plans()[-1]["solution"]}
    return [
        verification(wildcards.backbone, group, wildcards.test_set)
        for group in sorted(groups)
    ]


def similarity_with(network):
    """The similarity matrix on the features of a descriptor."""
    if network == SETTINGS.descriptor.network:
        return at(places.SIMILARITY)
    return at(places.OTHER_SIMILARITY, descriptor=network)


# Of Table 2.
EXPERIMENTS = [
    experiment.model_dump() for experiment in SETTINGS.report.experiments
] or experiments.of_the_paper()


def table2_verifications(wildcards):
    """Input: verifications of the groups of all experiments, and of the single-task models."""
    sides = experiments.SIDES
    needed = {name for one in EXPERIMENTS for side in sides for name in one[side]}
    if missing := sorted(needed - {*SETTINGS.degradations} | needed & {*PAIRED}):
        raise WorkflowError(
            f"Table 2 needs operators that the configuration lacks: {', '.join(missing)}; add them"
            " to degradations, or state report.experiments without them"
        )
    return [searched_verification(group) for group in experiments.groups(EXPERIMENTS)]


def table2_features():
    """Parameter: the descriptors of the experiments that have a matrix here."""
    asked = {experiment["feature"] for experiment in EXPERIMENTS}
    return sorted(asked & {*SETTINGS.descriptor.networks()})


def table2_similarities(wildcards):
    """Input: their matrices."""
    return [similarity_with(name) for name in table2_features()]


def report_files():
    # Table 1 and the mix of all are made by their names where a search spares their trainings.
    tables = (
        []
        if BOUNDED
        else expand(
            f"{RESULTS}/report/table1_{{backbone}}_{{test_set}}.{{suffix}}",
            backbone=SETTINGS.report.backbones,
            test_set=SETTINGS.report.test_sets,
            suffix=["parquet", "csv", "txt", "html", "svg"],
        )
    )
    figures = [
        "similarity.svg",
        "similarity_map.svg",
        "densities.svg",
        "degradations.svg",
        "drop_distance.svg",
    ]
    # Of one training, the hardest: any other by its name.
    if MIX not in ELSEWHERE and not BOUNDED:
        trained = f"{SETTINGS.search.backbone}/{MIX}"
        figures += [f"training/{trained}.svg", f"samples/{trained}.png"]
    if set(paper.DEGRADATIONS) <= set(SETTINGS.degradations):
        figures += ["paper_averages.txt", "paper_averages.svg"]
    if SETTINGS.descriptor.compared:
        figures.append("descriptors.svg")
    sheets = [places.MATRIX_SHEET, places.RANKINGS_SHEET, places.DROPS_SHEET]
    return [
        *tables,
        *(f"{RESULTS}/report/{figure}" for figure in figures),
        *map(at, sheets),
    ]
