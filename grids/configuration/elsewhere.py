"""Verifications of models that were trained elsewhere, against what a configuration asks for."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pandas import DataFrame

from grids.base.errors import InputError
from grids.configuration.settings import Settings
from grids.images import reading
from grids.search.drops.measurements import check, read


def measurements(
    settings: Settings, found: Mapping[str, Sequence[Path]]
) -> dict[str, dict[tuple[str, ...], DataFrame]]:
    """Verifications of models trained elsewhere, by test set and group.

    Args:
        settings: the configuration.
        found: the files of each image set.

    Raises:
        InputError: the table does not hold what it must.
    """
    search, report = settings.search, settings.report
    if not search.measurements:
        return {}
    brought = read(search.measured_elsewhere(), settings.degradations, search.test_set)
    own = report.test_sets if search.backbone in report.backbones else []
    names = {
        name: [os.path.relpath(path, reading.root_of(found[name])) for path in found[name]]
        for name in settings.images.test_sets()
    }
    groups = {group for tables in brought.values() for group in tables}
    try:
        check(brought, names, [search.test_set, *own])
    except InputError as error:
        raise InputError(f"search.measurements: {error}") from None
    for name in settings.searched() if settings.training.weights == "auto" else []:
        if (name,) in groups:
            raise InputError(
                f"search.measurements: the single-task model of {name} has no validations, which "
                "training.weights: auto goes by; take out its rows, or auto"
            )
    for name in report.noise_degradations if report.noise_seeds else []:
        if (name,) in groups:
            raise InputError(
                f"report.noise_degradations: {name} comes with search.measurements, so there is no "
                "model to repeat with another seed; name another or none"
            )
    return brought
