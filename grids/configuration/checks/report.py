"""What the report shows."""

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known
from grids.configuration.checks._shared import require_there
from grids.configuration.settings import Settings


def check(settings: Settings) -> None:
    report = settings.report
    for name in report.backbones:
        require_there(name, settings.backbones, "backbones", "report.backbones")
    for name in report.test_sets:
        require_known(name, settings.images.test_sets(), "test set in report.test_sets")
    _check_compared(settings)
    for name in report.noise_degradations:
        require_there(name, settings.searched(), "degradations", "report.noise_degradations")
    for number, experiment in enumerate(report.experiments, start=1):
        key = f"report.experiments, {number}"
        require_known(experiment.feature, names_in("descriptors"), f"descriptor in {key}")
        for group in (experiment.higher, experiment.lower):
            for name in group:
                require_there(name, settings.degradations, "degradations", key)
                if settings.degradations[name].pairs:
                    raise InputError(f"{key}: {name} is given as pairs, which have other images")
            if len(set(group)) < len(group):
                raise InputError(f"{key}: a degradation stands in a group twice")
    if len(set(report.noise_seeds)) < len(report.noise_seeds):
        raise InputError("report.noise_seeds: a seed stands there twice")
    if settings.seed in report.noise_seeds:
        raise InputError(
            f"report.noise_seeds: {settings.seed} is the seed of all trainings; give another"
        )


def _check_compared(settings: Settings) -> None:
    """Rows of Table 1 have configured networks and degradations, and names of their own."""
    names = [row.name for row in settings.report.compared]
    for number, row in enumerate(settings.report.compared, start=1):
        key = f"report.compared, {number} ({row.name})"
        if names.count(row.name) > 1:
            raise InputError(f"{key}: a row of this name stands there twice")
        require_there(row.backbone, settings.backbones, "backbones", key)
        for name in row.degradations:
            require_there(name, settings.degradations, "degradations", key)
        if len(set(row.degradations)) < len(row.degradations):
            raise InputError(f"{key}: a degradation stands there twice")
        if row.reseeded and row.backbone in settings.released():
            raise InputError(f"{key}.reseeded: {row.backbone} has weights and is not trained")
        if row.reseeded and settings.group(row) != settings.searched():
            raise InputError(f"{key}.reseeded: only a row that is trained on all that is searched")
