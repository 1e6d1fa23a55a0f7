"""Degradations, and how many of them there must be."""

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known
from grids.configuration.checks._shared import check_name, check_split
from grids.configuration.settings import Degradation, Settings


def check(settings: Settings) -> None:
    for name in settings.only:
        if not settings.degradations[name].is_named_freely():
            require_known(name, names_in("degradations"), "degradation in only")
    for name, entry in settings.degradations.items():
        check_name("degradations", name)
        _check_kind(name, entry)
        if entry.pairs:
            check_split(f"degradations.{name}.pairs.split", entry.pairs.split)
            continue
        for use in ("evaluation", "training"):
            try:
                settings.parameters(name, use)
            except ValueError as error:
                part = use if entry.chain is None else "chain"
                raise InputError(f"degradations.{name}.{part}: {error}") from None
    known = {*names_in("degradations"), *settings.degradations}
    weights = settings.training.weights
    for name in weights if weights != "auto" else []:
        try:
            require_known(name, known, "degradation")
        except InputError as error:
            raise InputError(f"training.weights: {error}") from None
    if len(settings.searched()) < 2:
        raise InputError(
            f"degradations: a search needs at least two, got {len(settings.searched())}"
        )


def _check_kind(name: str, entry: Degradation) -> None:
    """A degradation is a module, pairs, or a chain; only a module has parameters and its name."""
    key = f"degradations.{name}"
    if entry.pairs and entry.chain is not None:
        raise InputError(f"{key}: pairs and a chain cannot be the same degradation; leave one out")
    kind = "pairs" if entry.pairs else "chain"
    if not entry.is_named_freely():
        for part, default in (("order", "given"), ("times", 1)):
            if getattr(entry, part) != default:
                raise InputError(f"{key}.{part}: only a chain has it")
        return
    if name in names_in("degradations"):
        raise InputError(f"{key}.{kind}: {name} is a module's name, give the {kind} another")
    for use in ("evaluation", "training"):
        if getattr(entry, use):
            own = "pairs have no parameters" if entry.pairs else "a chain's steps have its values"
            raise InputError(f"{key}.{use}: {own}; remove it")
