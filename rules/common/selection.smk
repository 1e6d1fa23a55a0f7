# The choice of a model for a photograph: among which groups, and what it is tried on.

SELECTED = SETTINGS.selected()
SHOWN = SETTINGS.shown()
# Kinds of cases that all models restore, so that the best choice is known.
COMPARED = ["whole", "crop", "drawn", "mixed", "clean"]
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


def gains_measured(wildcards):
    """Parameter: kinds of cases that a model is tried on: severities where it may be chosen.

    That may be the mix of all unless other groups are stated: what the search finds is not known yet.
    """
    stated = [group_names.group_name(group) for group in SETTINGS.selection.groups]
    compared_only = wildcards.group == MIX and stated and MIX not in stated
    return COMPARED if compared_only else [*COMPARED, "severity"]
