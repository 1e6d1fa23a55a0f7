# The search: plans, and what each round knows.


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
