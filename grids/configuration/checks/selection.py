"""The choice of a model for a photograph."""

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known
from grids.configuration.checks._shared import check_split
from grids.configuration.settings import ROLES, Settings
from grids.degrading.names import CLEAN, TWO


def check(settings: Settings) -> None:
    selection = settings.selection
    grouped = [name for group in selection.groups for name in group]
    for name in grouped:
        require_known(name, settings.degradations, "degradation in selection.groups")
    if len(set(grouped)) < len(grouped):
        raise InputError("selection.groups: a degradation stands there twice")
    for name in selection.unseen:
        require_known(name, names_in("degradations"), "degradation in selection.unseen")
    for name, given in selection.pairs.items():
        key = f"selection.pairs.{name}"
        if name in {*ROLES, *settings.images.test_sets(), *settings.degradations, CLEAN, TWO}:
            raise InputError(f"{key}: this name is taken, choose another")
        check_split(f"{key}.split", given.split)
    for name in (name for pair in selection.mixed for name in pair):
        require_known(name, names_in("degradations"), "degradation in selection.mixed")
