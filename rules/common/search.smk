# The search: plans, what each round knows, where models and verifications are.


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


def plan_of(number):
    """The plan of a round, as soon as it is made: it decides what else must be done."""
    path = Path(checkpoints.plan.get(round=number).output.plan)
    if workflow.touch and not path.exists():
        # Snakemake takes it for touched; the search stands where it stood.
        return {"round": number, "known": [], "solution": []}
    try:
        records.check(Path(RESULTS), [path])
        return plan_files.read(path)
    except InputError as error:
        raise WorkflowError(str(error))


def known_groups(wildcards):
    """Groups verified before a round: the baselines, what was measured elsewhere, and all that the
    rounds before asked for."""
    number = int(wildcards.round)
    more = set(searched_elsewhere())
    if number > 0:
        previous = plan_of(number - 1)
        if "solution" in previous:
            raise WorkflowError(
                f"no round {number}: round {number - 1} ends the search"
            )
        more |= {*previous["known"], *previous["requests"]}
    return [*BASELINES, *sorted(more - {*BASELINES})]


def known_trials(wildcards):
    return [trial(name) for name in known_groups(wildcards)]


def known_verifications(wildcards):
    if workflow.is_main_process and workflow.execution_settings:
        print_forecast()  # a run that plans, or shows what it would do
    return [searched_verification(group) for group in known_groups(wildcards)]


def searched_affinity(wildcards):
    """Input: affinities, where the strategy goes by them."""
    if not SETTINGS.asks_for_affinities():
        return []
    return [at(places.AFFINITY, backbone=SETTINGS.search.backbone)]


def plans():
    """All plans; the last holds the solution. Each round asks for the next as it is walked."""
    walked = [plan_of(0)]
    while "solution" not in walked[-1]:
        walked.append(plan_of(len(walked)))
    return walked


def all_plan_files(wildcards):
    return [at(places.PLAN, round=plan["round"]) for plan in plans()]


def found_models(wildcards):
    """Models of the groups that the search found, less those that are elsewhere."""
    return [
        model_file(SETTINGS.search.backbone, group)
        for group in plans()[-1]["solution"]
        if group not in ELSEWHERE
    ]


def search_known():
    """All that the search knew in the end, baselines included."""
    singles = [] if SEARCHES_LEVELS else SINGLES
    return sorted({*singles, *plans()[-1]["known"]})


def search_levels(wildcards):
    """Parameter: the level of each training that the search knew; none: all to the end."""
    return [trial(name)[1] for name in search_known()] if SEARCHES_LEVELS else []


def search_verifications(wildcards):
    return [searched_verification(name) for name in search_known()]


def trained_indexes(wildcards):
    """Input: indexes of what the models are trained on, as far as it is known."""
    if {*SINGLES, MIX} <= ELSEWHERE:
        return []
    pairs = [set_of_pairs(name, "training") for name in SEARCHED if name in PAIRED]
    return [index_of(name)(wildcards) for name in ["train", *pairs]]


def tested_indexes(wildcards):
    """Input: indexes of what the search measures its models on."""
    pairs = [set_of_pairs(name, "evaluation") for name in SEARCHED if name in PAIRED]
    return [index_of(name)(wildcards) for name in [SETTINGS.search.test_set, *pairs]]


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
