"""The search: its strategy, what that takes, and levels of trainings."""

from collections.abc import Sequence

from grids.base.errors import InputError
from grids.base.levels import decay_from, steps_at
from grids.base.plugins import constant_of, names_in, require_known
from grids.configuration.checks._shared import require_there
from grids.configuration.settings import PROCEDURES, Settings

# Of affinities: a spread needs two.
LEAST_MEASUREMENTS = 2


def check(settings: Settings) -> None:
    search = settings.search
    require_known(search.strategy, names_in("search/strategies"), "search.strategy")
    limit = constant_of("search/strategies", search.strategy, "LIMIT")
    if limit and len(settings.searched()) > limit:
        raise InputError(
            f"search.strategy: {search.strategy} groups at most {limit} degradations, not "
            f"{len(settings.searched())}; write active, or fewer search.degradations"
        )
    require_there(search.backbone, settings.backbones, "backbones", "search.backbone")
    if (network := settings.network(search.backbone)) != search.backbone:
        raise InputError(
            f"search.backbone: {search.backbone} is another name of {network}, and exports know "
            f"networks by their modules'; name the entry {network}"
        )
    require_known(search.test_set, settings.images.test_sets(), "search.test_set")
    for name in search.degradations:
        require_there(name, settings.degradations, "degradations", "search.degradations")
    if len(set(search.degradations)) < len(search.degradations):
        raise InputError("search.degradations: a degradation stands there twice")
    for key, strategy in (
        ("groups", "given"),
        ("all_solutions", "paper"),
        ("number_of_groups", "tag"),
    ):
        if getattr(search, key) and search.strategy != strategy:
            raise InputError(
                f"search.{key}: only strategy {strategy} takes it, not {search.strategy}"
            )
    if search.number_of_groups > len(settings.searched()):
        raise InputError(
            f"search.number_of_groups: {search.number_of_groups}, but there are "
            f"{len(settings.searched())} degradations to group"
        )
    if settings.asks_for_affinities():
        check_affinities(settings, search.backbone)
    if search.certificate != "full" and not settings.searches_levels():
        raise InputError(
            f"search.certificate: only strategy budget takes {search.certificate}, not "
            f"{search.strategy}"
        )
    if settings.searches_levels() and not search.levels:
        raise InputError(
            f"search.levels: strategy {search.strategy} needs levels to ask for, such as [10, 30], "
            "and training.schedule: constant"
        )
    _check_levels(settings)
    if search.strategy == "given":
        _check_groups(search.groups, settings.searched())
    if search.measurements and not search.measured_elsewhere().is_file():
        raise InputError(f"search.measurements: {search.measurements}: no such file")


def check_affinities(settings: Settings, backbone: str) -> None:
    """Affinities compare losses over a whole training, which must have one loss, and time.

    Raises:
        InputError: names what does not fit.
    """
    procedure = settings.procedure(backbone)
    if constant_of(PROCEDURES, procedure, "WHOLE_TRAININGS"):
        raise InputError(
            f"training.procedure: {procedure}, of {backbone}, has phases, whose losses give no "
            f"affinities; write {{{backbone}: l1}}, or search.strategy: active"
        )
    every, iterations = settings.search.affinity_every, settings.training.iterations
    if iterations // every < LEAST_MEASUREMENTS:
        raise InputError(
            f"search.affinity_every: {every} steps, but a training has {iterations} "
            f"(training.iterations): at least {LEAST_MEASUREMENTS} measurements are needed"
        )


def _check_levels(settings: Settings) -> None:
    """Levels must come one after the other, and each training of one must reach its decay."""
    levels, training = settings.search.levels, settings.training
    steps = training.steps_of(settings.search.backbone)
    if not levels:
        return
    if levels != sorted(set(levels)):
        raise InputError(f"search.levels: {levels} must ascend")
    if training.schedule != "constant":
        raise InputError(
            f"search.levels: a training with training.schedule {training.schedule} cannot go on "
            "behind a level; write constant"
        )
    if training.on_divergence == "rollback":
        raise InputError(
            "search.levels: trainings that share their steps cannot roll back; "
            "write training.on_divergence: stop"
        )
    procedure = settings.procedure(settings.search.backbone)
    if constant_of(PROCEDURES, procedure, "WHOLE_TRAININGS"):
        raise InputError(
            f"search.levels: {procedure}, of {settings.search.backbone}, has phases, and only the "
            "last one's model can be measured; leave levels out, or write l1"
        )
    least = decay_from(steps_at(steps, levels[0]), training.decay)
    if training.warmup >= least:
        raise InputError(
            f"search.levels: {levels[0]} % of {steps} steps decay after {least} steps, which "
            f"must be more than training.warmup ({training.warmup})"
        )


def _check_groups(groups: Sequence[Sequence[str]], searched: Sequence[str]) -> None:
    given = [name for group in groups for name in group]
    for name in given:
        require_known(name, searched, "degradation in search.groups")
    if [] in groups:
        raise InputError("search.groups: a group is empty")
    for name in searched:
        if given.count(name) != 1:
            raise InputError(
                f"search.groups: each degradation stands in one group, {name} in "
                f"{given.count(name) or 'none'}"
            )
