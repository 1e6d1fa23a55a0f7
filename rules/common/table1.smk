# The whole Table 1: its rows, and the verifications that they need.


def table1_rows():
    """Parameter: the systems that are compared, then the models of the report's backbones.

    Fields of `grids.report.systems.Row`.
    """
    own = [
        asdict(row)
        for name in SETTINGS.report.backbones
        for row in systems.own_rows(name, SETTINGS.network(name), **as_trained(name))
    ]
    taken = {row["name"] for row in own}
    for number, row in enumerate(SETTINGS.report.compared, start=1):
        if row.name in taken:
            sys.exit(
                f"error: configuration: report.compared, {number} ({row.name}): models of "
                "report.backbones have a row of this name; choose another"
            )
    return [*map(compared_row, SETTINGS.report.compared), *own]


def compared_row(row):
    own = SETTINGS.group(row)
    return {
        "name": row.name,
        "backbone": row.backbone,
        "paper": row.paper,
        "own": [] if own == SEARCHED else own,
        **as_trained(row.backbone),
    }


def as_trained(backbone):
    """What of a network may be otherwise than it was published."""
    released = backbone in RELEASED
    training = {**SETTINGS.recipe(backbone), "patch": SETTINGS.training.patch}
    return {
        "released": released,
        "sized": released
        or SETTINGS.sizes(backbone)
        == options_of("backbones", SETTINGS.network(backbone)),
        "training": None if released else {k: training[k] for k in paper.PROTOCOL},
    }


def compared_verification(row, test_set):
    """Verification of a row on all degradations of the search."""
    group = group_names.group_name(SETTINGS.group(row))
    if group == MIX:
        return verification(row.backbone, MIX, test_set)
    named = {"backbone": row.backbone, "group": group, "test_set": test_set}
    return at(places.COMPARED_VERIFICATION, **named)


def compared_verifications(wildcards):
    """Input: verifications of the compared systems, all of one test set after the other."""
    return [
        compared_verification(row, test_set)
        for test_set in SETTINGS.report.test_sets
        for row in SETTINGS.report.compared
    ]


def backbone_tables(wildcards):
    """Input: tables of the report's backbones, all of one test set after the other."""
    return [
        f"{RESULTS}/report/table1_{name}_{test_set}.parquet"
        for test_set in SETTINGS.report.test_sets
        for name in SETTINGS.report.backbones
    ]


def costs_of_rows(wildcards):
    """Input: what the networks of all rows cost."""
    names = dict.fromkeys(row["backbone"] for row in table1_rows())
    return [at(places.COSTS, backbone=name) for name in names]


def reseeded_rows():
    """The compared systems that are trained with other seeds, each with each of the seeds."""
    return [
        (row, seed)
        for row in SETTINGS.report.compared
        if row.reseeded
        for seed in SETTINGS.report.noise_seeds
    ]


def reseeded_verifications(wildcards):
    """Input: verifications of `reseeded_rows`, all of one test set after the other."""
    return [
        at(
            places.RESEEDED_VERIFICATION,
            seed=seed,
            backbone=row.backbone,
            group=MIX,
            test_set=test_set,
        )
        for test_set in SETTINGS.report.test_sets
        for row, seed in reseeded_rows()
    ]
