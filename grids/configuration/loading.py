"""Reads a configuration: what does not hold together is one line, before any job starts."""

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pandas import DataFrame
from pydantic import ValidationError

from grids.base.errors import InputError
from grids.base.plugins import constant_of, names_in, options_of, require_known
from grids.configuration.settings import ROLES, Degradation, Section, Settings, pair_set
from grids.images import pairs, reading, sets
from grids.search.drops.measurements import check as check_measurements
from grids.search.drops.measurements import read as read_measurements

LEAST_TEST_SIDE = 32

# Names of files and columns that a degradation's would be taken for.
TAKEN = {"clean", "average"}


def load(config: Mapping[str, Any]) -> Settings:
    """The settings of a configuration that holds together.

    Raises:
        InputError: one line with the key, the value and what would be right.
    """
    try:
        settings = Settings.model_validate(_without_removed(config))
    except ValidationError as error:
        raise InputError(_first(error)) from None
    for name in settings.images.tests:
        if name in ROLES:
            raise InputError(f"images.tests.{name}: this name is taken, choose another")
    _check_degradations(settings)
    _check_backbones(settings)
    _check_search(settings)
    _check_report(settings)
    _check_selection(settings)
    for name, section in {"training": settings.training, "descriptor": settings.descriptor}.items():
        if section.warmup >= section.iterations:
            raise InputError(
                f"{name}.warmup: {section.warmup} steps must be fewer than "
                f"{name}.iterations ({section.iterations})"
            )
    training = settings.training
    if training.minimum_learning_rate > training.learning_rate:
        raise InputError(
            f"training.minimum_learning_rate: {training.minimum_learning_rate} is above "
            f"training.learning_rate ({training.learning_rate})"
        )
    if (largest := max(settings.ggd.counts, default=0)) > settings.pies.patches:
        raise InputError(
            f"ggd.counts: {largest} patches, but pies.patches is {settings.pies.patches}"
        )
    _check_resources(settings)
    shares = settings.processes() * settings.execution.accumulation
    for name, batch in (
        ("training", settings.training.batch),
        ("descriptor", settings.descriptor.batch),
    ):
        if batch % shares:
            raise InputError(
                f"{name}.batch: {batch} samples cannot be shared equally by execution.processes "
                f"({settings.processes()}) times execution.accumulation "
                f"({settings.execution.accumulation})"
            )
    descriptor = settings.descriptor
    if descriptor.weights != "trained" and not descriptor.path().is_file():
        raise InputError(
            f"descriptor.weights: {descriptor.weights}: no such file; "
            "write 'packaged', 'trained' or a path"
        )
    return settings


def _without_removed(config: Mapping[str, Any]) -> dict:
    """The configuration less what is null in its mappings by name.

    Snakemake lays one file over another: null is how a file takes an entry out that one below has.
    """
    kept = dict(config)
    images = kept.get("images")
    if isinstance(images, Mapping):
        kept["images"] = {
            **images,
            "tests": _less_null(images.get("tests", {"embedded": "embedded"})),
        }
    if isinstance(kept.get("backbones"), Mapping):
        for name in kept["backbones"]:
            require_known(name, names_in("backbones"), "backbone")
    for section in ("degradations", "backbones"):
        if section in kept:
            kept[section] = _less_null(kept[section])
    return kept


def _less_null(entries: Any) -> Any:
    if not isinstance(entries, Mapping):
        return entries
    return {name: entry for name, entry in entries.items() if entry is not None}


def photographs(settings: Settings) -> dict[str, list[Path]]:
    """The files of each image set."""
    found = {}
    for name, source in settings.images.sources().items():
        key = f"images.{name if name in ROLES else f'tests.{name}'}"
        try:
            found[name] = sets.find(source)
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
    for name in settings.paired():
        given = settings.degradations[name].pairs
        try:
            parts = pairs.find(given.degraded, given.clean, given.split.model_dump())
        except InputError as error:
            raise InputError(f"degradations.{name}.pairs: {error}") from None
        found |= {pair_set(name, part): files for part, files in parts.items()}
    return found


def check_photographs(settings: Settings, found: Mapping[str, list[Path]]) -> None:
    """Opens every photograph's header: it must be an image, and large enough for its use.

    Raises:
        InputError: names the first bad file and the counts.
    """
    least = {
        "train": (settings.training.patch, "training.patch"),
        "pies": (
            settings.pies.size * settings.pies.reduction,
            "pies.size (times pies.reduction)",
        ),
    }
    if settings.descriptor.weights == "trained":
        side = 4 * settings.descriptor.patch
        least["train"] = max(least["train"], (side, "descriptor.patch (four times)"))
    for name in settings.paired():
        least[pair_set(name, "train")] = settings.training.patch, "training.patch"
        least[pair_set(name, "pies")] = settings.pies.size, "pies.size"
    sources = settings.images.sources()
    for name, paths in found.items():
        side, why = least.get(name, (LEAST_TEST_SIDE, "a test set"))
        sets.check(paths, sets.columns(sources.get(name, ""), name), side, why)
    step, part = settings.pies.size * settings.pies.reduction, settings.images.columns("pies")
    sizes = [reading.size(path, part) for path in found["pies"]]
    _check_patches(settings, sizes, step, "the photographs")
    for name in settings.pair_sets():
        pairs.check_sizes(found[name])
    for name in settings.paired():
        sizes = [reading.size(path) for path in found[pair_set(name, "pies")][::2]]
        of = f"the pairs of {name} for PIES (its split)"
        _check_patches(settings, sizes, settings.pies.size, of)


def _check_patches(
    settings: Settings, sizes: Sequence[tuple[int, int]], step: int, of: str
) -> None:
    asked = settings.pies.patches
    room = sum((width // step) * (height // step) for width, height in sizes)
    if room < asked:
        raise InputError(
            f"pies.patches: {asked} patches of {step}×{step} asked for, but {of} "
            f"hold {room} disjoint ones; ask for fewer or give more of these"
        )


def _first(error: ValidationError) -> str:
    """One line for the first mistake that pydantic found."""
    # A misspelt key before the one that is missed for it.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    # Pydantic names the number among the kinds of value that a key may have.
    key = ".".join(str(part) for part in first["loc"] if part != "constrained-float")
    if first["type"] == "extra_forbidden":
        section = Settings
        for part in first["loc"][:-1]:
            if field := section.model_fields.get(part):
                section = _section_in(field.annotation) or section
        try:
            require_known(str(first["loc"][-1]), section.model_fields, "key")
        except InputError as unknown:
            return f"{key}: {unknown}"
    return f"{key}: {first['msg'][0].lower()}{first['msg'][1:]}, got {first['input']!r}"


def _section_in(annotation: Any) -> type[Section] | None:
    """The section that a field is, may be, or holds by name."""
    kinds = (annotation, *get_args(annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)


def _check_degradations(settings: Settings) -> None:
    for name, entry in settings.degradations.items():
        if entry.pairs:
            _check_pairs(name, entry)
            continue
        for use in ("evaluation", "training"):
            try:
                settings.parameters(name, use)
            except ValueError as error:
                raise InputError(f"degradations.{name}.{use}: {error}") from None
    known = {*names_in("degradations"), *settings.degradations}
    for name in settings.training.weights:
        try:
            require_known(name, known, "degradation")
        except InputError as error:
            raise InputError(f"training.weights: {error}") from None
    if len(settings.searched()) < 2:
        raise InputError(
            f"degradations: a search needs at least two, got {len(settings.searched())}"
        )


def _check_pairs(name: str, entry: Degradation) -> None:
    key = f"degradations.{name}"
    if name in names_in("degradations"):
        raise InputError(f"{key}.pairs: {name} is a module's name, give the pairs another")
    if not re.fullmatch("[a-z0-9_]+", name) or name in TAKEN:
        raise InputError(
            f"{key}: choose another name, of a-z, 0-9 and _, not {' or '.join(sorted(TAKEN))}"
        )
    for use in ("evaluation", "training"):
        if getattr(entry, use):
            raise InputError(f"{key}.{use}: pairs have no parameters; remove it")
    if len({isinstance(value, str) for value in entry.pairs.split.model_dump().values()}) > 1:
        raise InputError(
            f"{key}.pairs.split: give train, pies and test all as shares or all as patterns"
        )


def _check_backbones(settings: Settings) -> None:
    for name, sizes in settings.backbones.items():
        require_known(name, names_in("backbones"), "backbone")
        options = options_of("backbones", name)
        for option, value in sizes.items():
            require_known(option, options, f"option of backbones.{name}")
            _check_option(f"backbones.{name}.{option}", value, options[option])


def _check_option(key: str, value: Any, default: Any) -> None:
    """An option of a network has the type of its default, and is above 0 as far as it counts."""
    if isinstance(value, int) and type(default) is float and type(value) is not bool:
        value = float(value)
    if type(value) is not type(default):
        raise InputError(f"{key}: must be of type {type(default).__name__}, got {value!r}")
    if isinstance(default, list):
        if len(value) != len(default):
            raise InputError(f"{key}: must have {len(default)} entries, got {value!r}")
        for part in value:
            _check_option(key, part, default[0])
    elif type(default) is int and value < 1:
        raise InputError(f"{key}: must be at least 1, got {value}")
    elif type(default) is float and not 0 < value < math.inf:
        raise InputError(f"{key}: must be above 0 and finite, got {value}")


def _check_search(settings: Settings) -> None:
    search = settings.search
    require_known(search.strategy, names_in("search/strategies"), "search.strategy")
    limit = constant_of("search/strategies", search.strategy, "LIMIT")
    if limit and len(settings.searched()) > limit:
        raise InputError(
            f"search.strategy: {search.strategy} groups at most {limit} degradations, not "
            f"{len(settings.searched())}; write active, or fewer search.degradations"
        )
    _require_there(search.backbone, settings.backbones, "backbones", "search.backbone")
    require_known(search.test_set, settings.images.tests, "search.test_set")
    for name in search.degradations:
        _require_there(name, settings.degradations, "degradations", "search.degradations")
    if len(set(search.degradations)) < len(search.degradations):
        raise InputError("search.degradations: a degradation stands there twice")
    for key, strategy in (("groups", "given"), ("all_solutions", "paper")):
        if getattr(search, key) and search.strategy != strategy:
            raise InputError(
                f"search.{key}: only strategy {strategy} takes it, not {search.strategy}"
            )
    if search.strategy == "given":
        _check_groups(search.groups, settings.searched())
    if search.measurements and not search.measured_elsewhere().is_file():
        raise InputError(f"search.measurements: {search.measurements}: no such file")


def _require_there(name: str, there: Iterable[str], package: str, key: str) -> None:
    """A name must stand in a section, which a module's name may not do although it is known."""
    if name not in there and name in names_in(package):
        raise InputError(
            f"{key}: {name} is not among the {package} that are configured for it "
            f"({', '.join(sorted(there))}); add it there, or take it out here"
        )
    require_known(name, there, key)


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
    brought = read_measurements(search.measured_elsewhere(), settings.degradations, search.test_set)
    own = report.test_sets if search.backbone in report.backbones else []
    names = {
        name: [os.path.relpath(path, reading.root_of(found[name])) for path in found[name]]
        for name in settings.images.tests
    }
    groups = {group for tables in brought.values() for group in tables}
    try:
        check_measurements(brought, names, [search.test_set, *own])
    except InputError as error:
        raise InputError(f"search.measurements: {error}") from None
    for name in report.noise_degradations if report.noise_seeds else []:
        if (name,) in groups:
            raise InputError(
                f"report.noise_degradations: {name} comes with search.measurements, so there is no "
                "model to repeat with another seed; name another or none"
            )
    return brought


def _check_resources(settings: Settings) -> None:
    processes, train = settings.execution.processes, settings.resources.train
    if train.gpus > 1 and processes not in (1, train.gpus):
        raise InputError(
            f"execution.processes: {processes}, but resources.train.gpus is {train.gpus}: a "
            "training has one process a GPU; leave one of the two out"
        )
    if settings.processes() % train.nodes:
        raise InputError(
            f"resources.train.nodes: {train.nodes} nodes cannot share {settings.processes()} "
            "processes (execution.processes, resources.train.gpus) equally"
        )
    for kind in settings.resources.kinds():
        asked = settings.resources.requests(kind, 1)
        if "gpu" in asked and asked.get("gres", "").startswith("gpu"):
            raise InputError(
                f"resources.{kind}.gpus: {asked['gpu']}, but gres is {asked['gres']}: leave one "
                "of the two out"
            )


def _check_report(settings: Settings) -> None:
    report = settings.report
    for name in report.backbones:
        _require_there(name, settings.backbones, "backbones", "report.backbones")
    for name in report.test_sets:
        require_known(name, settings.images.tests, "test set in report.test_sets")
    for name in report.noise_degradations:
        _require_there(name, settings.searched(), "degradations", "report.noise_degradations")
    if len(set(report.noise_seeds)) < len(report.noise_seeds):
        raise InputError("report.noise_seeds: a seed stands there twice")
    if settings.seed in report.noise_seeds:
        raise InputError(
            f"report.noise_seeds: {settings.seed} is the seed of all trainings; give another"
        )


def _check_selection(settings: Settings) -> None:
    selection = settings.selection
    grouped = [name for group in selection.groups for name in group]
    for name in grouped:
        require_known(name, settings.degradations, "degradation in selection.groups")
    if len(set(grouped)) < len(grouped):
        raise InputError("selection.groups: a degradation stands there twice")
    for name in selection.unseen:
        require_known(name, names_in("degradations"), "degradation in selection.unseen")
    for name in (name for pair in selection.mixed for name in pair):
        require_known(name, names_in("degradations"), "degradation in selection.mixed")
