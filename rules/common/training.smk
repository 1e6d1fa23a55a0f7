# Trainings: how a network is trained, what it begins with, and where it ends.


def training_parameters(**others):
    """Parameters of the rules that train, but for those that a rule has otherwise."""
    return {
        "content": content("train"),
        "recipe": lambda wildcards: SETTINGS.recipe(wildcards.backbone),
        "sampling": lambda wildcards: SETTINGS.sampling(
            wildcards.backbone, members(wildcards)
        ),
        "group": parameters("training"),
        "sizes": sizes,
        "procedure": procedure,
        "start": start_digest,
        "seed": SETTINGS.seed,
        "code": code("train.py", "degradations", "backbones", "procedures"),
        **others,
    }


def procedure(wildcards):
    """Parameter: how a network is trained; files count by their content."""
    name = SETTINGS.procedure(wildcards.backbone)
    digests = {
        option: file_digest(Path(path)) if path else "none"
        for option, path in SETTINGS.procedure_files(name).items()
    }
    return {"name": name, "options": SETTINGS.procedure_options(name) | digests}


def start_of(wildcards):
    """Input: the mix of all where a model starts from it."""
    if SETTINGS.training.start != "mix" or wildcards.group == MIX:
        return []
    return [model_file(wildcards.backbone, MIX)]


def references_of(wildcards):
    """Input: histories of the single-task models that the shares of a training follow."""
    group = members(wildcards)
    if not SETTINGS.follows_singles(wildcards.backbone, group):
        return []
    names = map(group_names.group_name, ([name] for name in sorted(group)))
    return [
        at(places.HISTORY, backbone=wildcards.backbone, group=name) for name in names
    ]


def start_digest(wildcards):
    """Parameter: content of the first weights that are not made here."""
    group = getattr(wildcards, "group", MIX)
    path = places.first_weights(config["start"], group)
    if not path:
        return "none" if group == MIX else config["start"]
    if not Path(path).is_file():
        raise WorkflowError(f"training.start: {path}: no such file")
    return file_digest(Path(path))


def recipe_at_level(wildcards):
    """Parameter: the optimization of a training that ends at a level."""
    level = int(wildcards.level)
    if level not in SETTINGS.search.levels:
        raise WorkflowError(
            f"search.levels has no level {level}; it has: {SETTINGS.search.levels}"
        )
    return SETTINGS.recipe(wildcards.backbone, level)


def measured_mix(wildcards):
    """Input: the mix of all where affinities are measured while it is trained."""
    if (
        config["measured"]["of"].get("backbone") != wildcards.backbone
        or MIX in ELSEWHERE
    ):
        return []
    return [model_file(wildcards.backbone, MIX)]


def measuring(wildcards):
    """Parameter: how affinities are measured."""
    try:
        check_affinities(SETTINGS, wildcards.backbone)
    except InputError as error:
        raise WorkflowError(str(error))
    return config["measured"]["how"]


def released_digest(wildcards):
    """Parameter: content of the released weights of a backbone, and the entry of the file."""
    given = RELEASED[wildcards.backbone]
    return [file_digest(Path(given.file)), given.key]
