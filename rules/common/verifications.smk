# Where models and their verifications are, and what was measured elsewhere.


def model_file(backbone, group):
    return at(places.MODEL, backbone=backbone, group=group)


def verification(backbone, group, test_set):
    if backbone == SETTINGS.search.backbone and group in ELSEWHERE:
        return at(places.MEASUREMENT, group=group, test_set=test_set)
    return at(places.VERIFICATION, backbone=backbone, group=group, test_set=test_set)


def searched_verification(name):
    """Of a group to the end of its training, or up to a level (`jpeg+sr@10`)."""
    search = SETTINGS.search
    group, level = group_names.trial(name)
    if level == WHOLE:
        return verification(search.backbone, group, search.test_set)
    return at(
        places.LEVEL_VERIFICATION,
        level=level,
        backbone=search.backbone,
        group=group,
        test_set=search.test_set,
    )


def trial(name):
    """Degradations and level of what a plan asks for."""
    group, level = group_names.trial(name)
    return members_of(group), level


def measured_rows(wildcards):
    """Parameter: digest of what was measured elsewhere of a group."""
    tables = MEASUREMENTS.get(wildcards.test_set, {})
    group = tuple(members(wildcards))
    if group not in tables:
        raise WorkflowError(
            f"search.measurements has no rows of {wildcards.group} on {wildcards.test_set}"
        )
    return sha256(tables[group].to_csv().encode()).hexdigest()[:16]


def searched_elsewhere():
    """Groups of the search that were measured elsewhere."""
    tables = MEASUREMENTS.get(SETTINGS.search.test_set, {})
    inside = [group for group in tables if set(group) <= set(SEARCHED)]
    return sorted(map(group_names.group_name, inside))


def baseline_verifications(wildcards):
    """Needed whatever the search finds, so these trainings start before it."""
    return [
        verification(wildcards.backbone, group, wildcards.test_set)
        for group in [*SINGLES, MIX]
    ]


def noise_verifications(wildcards):
    """Single-task models trained with another seed: their spread is the noise of a drop.

    Of those that the search leaves at a level there is nothing to compare.
    """
    search = SETTINGS.search
    finished = search_known() if BOUNDED else SINGLES
    return [
        at(
            places.RESEEDED_VERIFICATION,
            seed=seed,
            backbone=search.backbone,
            group=name,
            test_set=search.test_set,
        )
        for seed in SETTINGS.report.noise_seeds
        for name in SETTINGS.report.noise_degradations
        if name in finished
    ]
