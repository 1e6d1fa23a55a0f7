# The choice of a model for a photograph: among which groups, and what it is tried on.

SELECTED = SETTINGS.selected()
SHOWN = SETTINGS.shown()
# What the choice is fitted to, with its parameters; any two degradations are no class.
VIEWED = SETTINGS.viewed()
CLASSES = {name: values for name, values in VIEWED.items() if name != TWO}
# Kinds of cases that all models restore, so that the best choice is known.
COMPARED = [
    *("whole", "crop", "drawn", "severity", "severity_grey"),
    *("mixed", "clean", "real", "real_crop"),
]
# Kinds that no group was trained for, as far as is known: they are taken through all their steps.
OUTSIDERS = ["mixed", "real", "real_crop"]
# So many views of each degradation are kept as pictures.
EXAMPLES = 40
# Names of pairs of photographs with real damage.
REAL = list(SETTINGS.selection.pairs)
# Views whose law is measured: it takes most of the time of a view, and its mean needs fewer.
LAWS = 16


def selected_groups(wildcards):
    """Groups that selection chooses among: those stated, or those that the search found."""
    least = constant_of("selection/fitting", "fit", "FOLDS")
    if len(PHOTOGRAPHS["train"]) < least:
        raise WorkflowError(
            f"images.train: {len(PHOTOGRAPHS['train'])} photographs, but the choice among"
            f" the groups holds one in {least} out; give at least {least}"
        )
    least = constant_of("selection/fitting", "fit", "REAL_FOLDS")
    for name, images in SETTINGS.selection.calibrating().items():
        if len(PHOTOGRAPHS[images]) // 2 < least:
            raise WorkflowError(
                f"selection.pairs.{name}: {len(PHOTOGRAPHS[images]) // 2} pairs to calibrate, but"
                f" one in {least} is held out; give at least {least}"
            )
    stated = [group_names.group_name(group) for group in SETTINGS.selection.groups]
    chosen = stated or plans()[-1]["solution"]
    paired = {name for group in chosen for name in members_of(group)} & {*PAIRED}
    if paired:
        raise WorkflowError(
            f"selection.groups: {min(paired)} is given as pairs, and the choice is fitted to"
            " operators; state groups without it"
        )
    return chosen


def selected_models(wildcards):
    return [
        model_file(SETTINGS.search.backbone, group)
        for group in selected_groups(wildcards)
    ]


def selected_gains(wildcards):
    return [
        at(
            places.GAINS,
            backbone=SETTINGS.search.backbone,
            group=group,
            test_set=wildcards.test_set,
        )
        for group in selected_groups(wildcards)
    ]


def viewed(wildcards):
    """Parameters of views that the choice is fitted to."""
    name = wildcards.degradation
    if name not in VIEWED:
        known = ", ".join(VIEWED)
        raise WorkflowError(
            f"the choice is fitted to no views of {name!r}, but of {known}"
        )
    return VIEWED[name]


def code_of_views(wildcards):
    """As `code`: with all operators where views have any two."""
    name = wildcards.degradation
    operators = {TWO: SELECTED, CLEAN: []}.get(name, [name])
    return code("views.py", degradations=operators)(wildcards)


def fitted_to():
    """What the choice is fitted to: ranges of degradations, and the content of real pairs."""
    pairs = SETTINGS.selection.calibrating().items()
    return VIEWED | {name: {"pairs": content_of(images)} for name, images in pairs}


def calibrating_pairs(wildcards):
    """Input: index and store of the real pairs of each name that the choice is fitted to."""
    names = SETTINGS.selection.calibrating().values()
    return [file(name)(wildcards) for name in names for file in (index_of, store_of)]


def calibrating(wildcards):
    """The image set of the real pairs of a name that the choice is fitted to."""
    return SETTINGS.selection.calibrating()[wildcards.pairs]


def judged(wildcards):
    """The image set of a test set; that of real pairs has the part that judges."""
    return SETTINGS.selection.judging().get(wildcards.test_set, wildcards.test_set)


def tried(wildcards):
    """Parameter: what the photographs of a test set are put through; real pairs are damaged."""
    return None if wildcards.test_set in REAL else SETTINGS.tried()


def code_of_cases(script, *packages):
    """As `code`, with the degradations that a test set is tried with: none of real pairs."""
    return lambda wildcards: code(
        script,
        *packages,
        degradations=[] if wildcards.test_set in REAL else [*SELECTED, *SHOWN],
    )(wildcards)
