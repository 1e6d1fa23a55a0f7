# What a job is given: its degradations with their parameters, the fingerprint of its code, and what
# it asks of a cluster.


def code(script, *packages, degradations=()):
    """Fingerprint of a script with the modules that are chosen by name.

    `packages` name folders below grids; the module is the value of the wildcard `degradation`,
    `backbone` (the search's without it), `descriptor` (that of the similarity without it) or, for
    degradations, each member of `group`; of `procedures` it is that of the `backbone`. Jobs
    without those wildcards name their `degradations`.
    """

    def of(wildcards):
        named = list(degradations)
        if "degradations" in packages:
            named += members(wildcards)
        operators = [name for given in named for name in SETTINGS.modules(given)]
        modules = [f"grids.degradations.{name}" for name in operators]
        if "backbones" in packages:
            backbone = getattr(wildcards, "backbone", SETTINGS.search.backbone)
            modules.append(f"grids.backbones.{SETTINGS.network(backbone)}")
        if "descriptors" in packages:
            modules.append(f"grids.descriptors.{described_with(wildcards)}")
        if "procedures" in packages:
            name = SETTINGS.procedure(wildcards.backbone)
            modules.append(f"grids.training.procedures.{name}")
        if "search" in packages:
            modules.append(f"grids.search.strategies.{SETTINGS.search.strategy}")
        try:
            return fingerprints.fingerprint(
                own_file(f"../workflow/scripts/{script}"), *modules
            )
        except InputError as error:
            raise WorkflowError(str(error))

    return of


def own_file(path):
    """A file of this workflow, named from rules/, whether it lies in a checkout or is fetched."""
    file = HERE.join(path)
    return Path(file if file.is_local else workflow.sourcecache.get_path(file))


def on_cluster(kind):
    """Resources that a job of a kind asks of a cluster, by its attempt."""

    def asked(name):
        return lambda wildcards, attempt: SETTINGS.resources.requests(kind, attempt)[
            name
        ]

    return {name: asked(name) for name in SETTINGS.resources.requests(kind, 1)}


def members(wildcards):
    """Degradations of a job: those of its group, its one degradation, or all that are searched."""
    if "degradation" in wildcards.keys():
        name = wildcards.degradation
        if name not in SETTINGS.degradations:
            known = ", ".join(sorted(SETTINGS.degradations))
            raise WorkflowError(
                f"no degradation {name!r} in the configuration; it has: {known}"
            )
        return [name]
    return members_of(getattr(wildcards, "group", MIX))


@cache
def members_of(group):
    try:
        return group_names.members(group, sorted(SETTINGS.degradations))
    except InputError as error:
        raise WorkflowError(str(error))


def searched(wildcards):
    """Degradations of a job that has all of the search, whatever its group."""
    return SEARCHED


def parameters(use, of=members):
    """Parameters of the degradations of a job, for `evaluation` or `training`.

    Those of pairs are the content of the part that serves this use, or `pies`.
    """

    def values(wildcards):
        return {
            name: (
                {"pairs": content_of(set_of_pairs(name, use))}
                if name in PAIRED
                else SETTINGS.parameters(name, use)
            )
            for name in of(wildcards)
        }

    return values


def severities(wildcards):
    if wildcards.degradation == CLEAN:
        raise WorkflowError("the clean patches have no severities")
    (name,) = members(wildcards)
    if name in PAIRED:
        raise WorkflowError(f"{name} is given as pairs, which have no severities")
    return SETTINGS.severities(name)


def sizes(wildcards):
    if wildcards.backbone not in SETTINGS.backbones:
        known = ", ".join(sorted(SETTINGS.backbones))
        raise WorkflowError(
            f"no backbone {wildcards.backbone!r} in the configuration; it has: {known}"
        )
    return SETTINGS.sizes(wildcards.backbone)


@cache
def file_digest(path):
    return sha256(path.read_bytes()).hexdigest()[:16]


def one_of(values):
    """Regular expression of a wildcard with these values; of none, it matches nothing."""
    return "|".join(values) or "(?!)"
