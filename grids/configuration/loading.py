"""Reads a configuration: what does not hold together is one line, before any job starts."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known
from grids.base.wording import meant_text
from grids.configuration import mistakes
from grids.configuration.checks import (
    degradations,
    descriptors,
    images,
    networks,
    report,
    resources,
    search,
    selection,
    training,
)
from grids.configuration.settings import Settings

# In this order: what comes later relies on what comes before.
SECTIONS = (
    images,
    degradations,
    networks,
    search,
    report,
    selection,
    resources,
    training,
    descriptors,
)


def load(config: Mapping[str, Any]) -> Settings:
    """The settings of a configuration that holds together.

    Raises:
        InputError: one line with the key, the value and what would be right.
    """
    try:
        _check_keys(config)
    except RecursionError:
        raise InputError("an anchor (&) stands within what it names; write it out") from None
    try:
        settings = Settings.model_validate(_completed(_without_removed(config)))
    except ValidationError as error:
        raise InputError(mistakes.first(error)) from None
    for section in SECTIONS:
        section.check(settings)
    return settings


def _without_removed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration less what is null in its mappings by name.

    Snakemake lays one file over another: null is how a file takes an entry out that one below has.
    """
    kept = dict(config)
    images = kept.get("images")
    if isinstance(images, Mapping) and "tests" in images:
        kept["images"] = {**images, "tests": _less_null(images["tests"])}
    for section in ("degradations", "backbones", "procedures"):
        if section in kept:
            kept[section] = _less_null(kept[section])
    return kept


def _less_null(entries: Any) -> Any:
    if not isinstance(entries, Mapping):
        return entries
    return {name: entry for name, entry in entries.items() if entry is not None}


def _completed(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with what follows from other keys: degradations kept, test sets."""
    degradations, only = config.get("degradations"), config.get("only")
    report, search = config.get("report", {}), config.get("search", {})
    if only and isinstance(only, list) and isinstance(degradations, Mapping):
        _require_modules(degradations, only)
        config["degradations"] = {name: degradations.get(name, {}) for name in map(str, only)}
        if isinstance(report, Mapping) and isinstance(report.get("noise_degradations"), list):
            noise = [name for name in report["noise_degradations"] if name in only]
            report = config["report"] = {**report, "noise_degradations": noise}
    images = config["images"] if isinstance(config.get("images"), Mapping) else {}
    names = ["test"] if images.get("all") else list(images.get("tests") or ["embedded"])
    if isinstance(search, Mapping):
        given = search.get("test_set")
        measured = names[0] if given in (None, "") else given
        search = config["search"] = {**search, "test_set": measured}
        if isinstance(report, Mapping):
            tables = report.get("test_sets")
            tables = [measured] if tables in (None, []) else tables
            config["report"] = {**report, "test_sets": tables}
    return config


def _require_modules(degradations: Mapping[str, Any], only: list[Any]) -> None:
    """Of what `only` leaves out a misspelt name would not be seen again."""
    for name, entry in degradations.items():
        named_freely = isinstance(entry, Mapping) and {"pairs", "chain"} & entry.keys()
        if name not in only and not named_freely:
            require_known(name, names_in("degradations"), "degradation")


def _check_keys(entry: Any, *above: str) -> None:
    """Keys are text, and YAML makes something else of `no`, `on` and `2024`."""
    if isinstance(entry, list):
        for part in entry:
            _check_keys(part, *above)
    if not isinstance(entry, Mapping):
        return
    for key, value in entry.items():
        if not isinstance(key, str):
            place = ".".join(above)
            raise InputError(f"{place + ': ' if place else ''}{key!r} is no name{meant_text(key)}")
        _check_keys(value, *above, key)
