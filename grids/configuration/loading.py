"""Reads a configuration: what does not hold together is one line, before any job starts."""

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from pandas import DataFrame, concat
from pydantic import ValidationError

from grids.base.errors import InputError
from grids.base.files import sha256
from grids.base.levels import decay_from, steps_at
from grids.base.plugins import ROOT, constant_of, names_in, options_of, require_known
from grids.base.wording import meant_number, meant_text
from grids.configuration.settings import (
    OF_AN_ENTRY,
    PACKAGED_MIX,
    PROCEDURES,
    ROLES,
    Degradation,
    Descriptor,
    Images,
    Pairs,
    RealPairs,
    RealSplit,
    Released,
    Section,
    Settings,
    Split,
    pair_set,
)
from grids.degrading.chains import NAMELESS
from grids.images import overlap, pairs, reading, sets, splitting
from grids.images.patches import SMALLEST
from grids.jobs import places
from grids.search.drops.measurements import check as check_measurements
from grids.search.drops.measurements import read as read_measurements

LEAST_TEST_SIDE = 32
# Of affinities: a spread needs two.
LEAST_MEASUREMENTS = 2

CHECKOUT = ROOT.parent
OWN_FOLDERS = [
    "benchmarks",
    "config",
    "docs",
    "grids",
    "profiles",
    "rules",
    "slurm",
    "tests",
    "workflow",
]

# Names that a degradation's would be taken for: of files, of a column, of a chain within a chain.
TAKEN = {"clean", "average", NAMELESS}


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
        raise InputError(_first(error)) from None
    _check_results(settings.results)
    _check_images(settings.images)
    _check_degradations(settings)
    _check_backbones(settings)
    _check_procedures(settings)
    _check_search(settings)
    _check_report(settings)
    _check_automatic_weights(settings)
    _check_selection(settings)
    descriptor = settings.descriptor
    training = settings.training
    for name, warmup, iterations in (
        ("training", training.warmup, {"iterations": training.iterations}),
        ("training", training.warmup, {f"budgets.{k}": v for k, v in training.budgets.items()}),
        ("descriptor", descriptor.warmup, {"iterations": descriptor.iterations}),
        ("descriptor.vgg", descriptor.vgg.warmup, {"iterations": descriptor.vgg.iterations}),
    ):
        for key, steps in iterations.items():
            if warmup >= steps:
                raise InputError(
                    f"{name}.warmup: {warmup} steps must be fewer than {name}.{key} ({steps})"
                )
    for name in training.budgets:
        _require_there(name, settings.backbones, "backbones", "training.budgets")
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
        ("descriptor", descriptor.batch),
        ("descriptor.vgg", descriptor.vgg.batch),
    ):
        if batch % shares:
            raise InputError(
                f"{name}.batch: {batch} samples cannot be shared equally by execution.processes "
                f"({settings.processes()}) times execution.accumulation "
                f"({settings.execution.accumulation})"
            )
    if training.start not in ("none", "mix") and not Path(training.begins_with()).exists():
        raise InputError(
            f"training.start: {training.start}: no such file or folder; "
            "write 'none', 'mix', 'packaged' or a path"
        )
    if training.start == "packaged":
        _check_packaged_start(settings)
    if descriptor.weights != "trained" and not descriptor.path().is_file():
        raise InputError(
            f"descriptor.weights: {descriptor.weights}: no such file; "
            "write 'packaged', 'trained' or a path"
        )
    _check_descriptors(descriptor)
    return settings


def _check_descriptors(descriptor: Descriptor) -> None:
    """The networks whose features are taken are there, with what they need."""
    for key, names in (("network", [descriptor.network]), ("compared", descriptor.compared)):
        for name in names:
            require_known(name, names_in("descriptors"), f"descriptor.{key}")
    networks = descriptor.networks()
    if len(set(networks)) < len(networks):
        raise InputError(
            "descriptor.compared: a network stands there twice, or is descriptor.network"
        )
    if "sift" in networks and not find_spec("cv2"):
        raise InputError("descriptor: sift needs OpenCV; pip install 'grids[sift]'")
    if "vgg" not in networks:
        return
    vgg, path = descriptor.vgg, descriptor.path_of("vgg")
    if not vgg.weights:
        raise InputError(
            "descriptor.vgg.weights: vgg needs weights; write 'trained', or the path of "
            "torchvision's vgg19-dcbb9e9d.pth"
        )
    if vgg.weights == "trained":
        if vgg.sha256:
            raise InputError("descriptor.vgg.sha256: trained weights have none; remove it")
        return
    if not path.is_file():
        raise InputError(
            f"descriptor.vgg.weights: {vgg.weights}: no such file; write 'trained' or a path"
        )
    if vgg.sha256 and not (digest := sha256(path)).startswith(vgg.sha256):
        raise InputError(
            f"descriptor.vgg.sha256: {vgg.weights} has {digest[:16]}…, not {vgg.sha256}: it is "
            "another file"
        )


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


def _check_results(results: str) -> None:
    """The folder of results is one, and holds nothing that is not theirs."""
    folder = Path(os.path.realpath(results))
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise InputError(f"results: {results}: {there} is a file; name a folder")
    for place, what in ((CHECKOUT, "the workflow itself"), (Path.cwd(), "where Snakemake runs")):
        if place.is_relative_to(folder):
            raise InputError(
                f"results: {results}: this is {what}; name a folder in it or elsewhere"
            )
    if folder.is_relative_to(CHECKOUT):
        part = folder.relative_to(CHECKOUT).parts[0]
        if part in OWN_FOLDERS or part.startswith("."):
            raise InputError(f"results: {results}: {part} belongs to the workflow; name another")


def _check_images(images: Images) -> None:
    for name in images.tests:
        if name in ROLES or (images.all and name == "test"):
            raise InputError(f"images.tests.{name}: this name is taken, choose another")
    if not images.test_sets():
        raise InputError("images.tests: there must be at least 1")
    _check_split("images.split", images.split)


def photographs(settings: Settings) -> dict[str, list[Path]]:
    """The files of each image set."""
    apart = places.among_results(Path(settings.results))
    images, found = settings.images, {}
    for name, source in images.sources().items():
        with _naming(f"images.{name if name in ROLES else f'tests.{name}'}"):
            found[name] = sets.find(source, apart)
    if images.all:
        with _naming("images.all"):
            files = sets.find(images.all, apart)
        with _naming("images"):
            found |= _split(files, images)
    paired, real = settings.paired(), settings.selection.pairs
    named: list[tuple[str, str, Pairs | RealPairs]] = [
        *((f"degradations.{name}.pairs", name, own) for name, own in paired.items()),
        *((f"selection.pairs.{name}", name, own) for name, own in real.items()),
    ]
    for key, name, given in named:
        with _naming(key):
            parts = pairs.find(given.degraded, given.clean, given.split.model_dump(), apart)
        found |= {pair_set(name, part): files for part, files in parts.items()}
    return found


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Puts the key before what is wrong with its value."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


def _split(files: Sequence[Path], images: Images) -> dict[str, list[Path]]:
    root = Path(images.all) if os.path.isdir(images.all) else reading.root_of(files)
    names = [path.relative_to(root).with_suffix("").as_posix() for path in files]
    parts = splitting.parts_of(names, images.split.model_dump(), "photographs")
    return {
        part: [path for path, name in zip(files, names, strict=True) if parts[name] == part]
        for part in splitting.PARTS
    }


def trained_and_tested(settings: Settings) -> tuple[list[str], list[str]]:
    """Names of the image sets that models are trained on, and of those they are measured on."""
    paired = settings.paired()
    tested = {settings.search.test_set: None} | dict.fromkeys(settings.report.test_sets)
    return (
        ["train", *(pair_set(name, "train") for name in paired)],
        [*tested, *(pair_set(name, "test") for name in paired)],
    )


def warnings(settings: Settings, found: Mapping[str, list[Path]]) -> list[str]:
    """A line for each test set of whose files some are trained on, as far as their places tell."""

    def rows(name: str) -> DataFrame:
        left, right = settings.images.columns(name)
        files = [(str(path), os.path.realpath(path), left, right - left) for path in found[name]]
        return DataFrame(files, columns=["path", "sha256", "left", "width"])

    trained, tested = trained_and_tested(settings)
    tested += settings.selection.judging().values()
    training = concat(rows(name) for name in trained)
    shared = {name: overlap.shared(training, rows(name)) for name in tested}
    return [
        f"images: {overlap.described(names, len(found[name]), name)}"
        for name, names in shared.items()
        if names
    ]


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
    vgg = settings.descriptor.vgg
    if vgg.weights == "trained" and "vgg" in settings.descriptor.networks():
        least["train"] = max(least["train"], (vgg.patch, "descriptor.vgg.patch"))
    for name in settings.paired():
        least[pair_set(name, "train")] = settings.training.patch, "training.patch"
        least[pair_set(name, "pies")] = settings.pies.size, "pies.size"
    for name in settings.selection.pairs:
        for images in (settings.selection.calibrating()[name], settings.selection.judging()[name]):
            least[images] = SMALLEST, f"selection.pairs.{name}"
    tested = LEAST_TEST_SIDE, "a test set"
    border = settings.report.crop_border
    tested = max(tested, (2 * border + 1, f"a test set with report.crop_border {border}"))
    sources = settings.images.sources()
    for name, paths in found.items():
        side, why = least.get(name, tested)
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


def _first(error: ValidationError, within: type[Section] = Settings) -> str:
    """One line for the first mistake that pydantic found."""
    # A misspelt key before the one that is missed for it.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"] if not _names_a_kind(str(part)))
    kind, value = first["type"], first["input"]
    if kind == "value_error":
        return f"{key}: {first['ctx']['error']}"
    if kind == "extra_forbidden":
        section = within
        for part in first["loc"][:-1]:
            if field := section.model_fields.get(str(part)):
                section = _section_in(field.annotation) or section
        try:
            require_known(str(first["loc"][-1]), section.model_fields, "key")
        except InputError as unknown:
            return f"{key}: {unknown}"
    said = first["msg"][0].lower() + first["msg"][1:]
    if kind == "string_pattern_mismatch":  # only names have one
        said = "must be of letters, digits, _ and -"
    meant = meant_text if kind == "string_type" else meant_number
    hint = meant(value) if kind.startswith(("string_type", "int_", "float_")) else ""
    return f"{key}: {said}, got {value!r}{hint}"


def _names_a_kind(part: str) -> bool:
    """Whether pydantic names one of the kinds of value that a key may have, instead of a key."""
    return "[" in part or part.startswith("constrained-") or part == "str"


def _section_in(annotation: Any) -> type[Section] | None:
    """The section that a field is, may be, or holds by name."""
    kinds = (annotation, *get_args(annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)


def _check_degradations(settings: Settings) -> None:
    for name in settings.only:
        if not settings.degradations[name].is_named_freely():
            require_known(name, names_in("degradations"), "degradation in only")
    for name, entry in settings.degradations.items():
        _check_name("degradations", name)
        _check_kind(name, entry)
        if entry.pairs:
            _check_split(f"degradations.{name}.pairs.split", entry.pairs.split)
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


def _check_name(section: str, name: str) -> None:
    """Names become parts of paths, whose rules know no others."""
    if not re.fullmatch("[a-z0-9_]+", name) or name in TAKEN:
        raise InputError(
            f"{section}.{name}: choose another name, of a-z, 0-9 and _, not "
            f"{', '.join(sorted(TAKEN))}, and call its module (if it has one) by that"
        )


def _check_split(key: str, split: Split | RealSplit) -> None:
    given = split.model_dump()
    if len({isinstance(value, str) for value in given.values()}) > 1:
        *others, last = given
        raise InputError(
            f"{key}: give {', '.join(others)} and {last} all as shares or all as patterns"
        )


def _check_backbones(settings: Settings) -> None:
    modules = names_in("backbones")
    for name, sizes in settings.backbones.items():
        if "network" not in sizes:
            require_known(name, modules, "backbone")
        network = settings.network(name)
        require_known(network, modules, f"network in backbones.{name}")
        _check_name("backbones", name)
        if name in modules and name != network:
            raise InputError(
                f"backbones.{name}.network: {name} is a network itself; call an entry of {network} "
                "by another name"
            )
        options = options_of("backbones", network)
        any_length = constant_of("backbones", network, "ANY_LENGTH") or []
        if "weights" in sizes:
            _check_weights(name, sizes["weights"], settings)
        for option in (key for key in sizes if key not in OF_AN_ENTRY):
            require_known(option, options, f"option of backbones.{name}")
            key = f"backbones.{name}.{option}"
            _check_option(key, sizes[option], options[option], option in any_length)


def _check_weights(name: str, given: Any, settings: Settings) -> None:
    """Weights that are given are a file, and no search is to train their network."""
    key = f"backbones.{name}.weights"
    if not isinstance(given, str | Mapping):
        raise InputError(f"{key}: must be a path, or have file and key, got {given!r}")
    try:
        file = Released.given_as(given).file
    except ValidationError as error:
        raise InputError(f"{key}.{_first(error, Released)}") from None
    if not Path(file).is_file():
        raise InputError(f"{key}: {file}: no such file")
    if name == settings.search.backbone:
        raise InputError(
            f"search.backbone: {name} is not trained, it has weights; name one that is"
        )


def check_networks(settings: Settings) -> None:
    """Tries weights and procedures on their networks, in a process that loads torch.

    Raises:
        InputError: names the key or the file and what does not fit.
    """
    given = [*_released(settings), *_starts(settings), *_described(settings), *_taught(settings)]
    if not given:
        return
    # As `grids.training.tried` takes them.
    tried = subprocess.run(
        [sys.executable, "-m", "grids.training.tried", json.dumps(given)],
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        raise InputError(tried.stderr.strip().rpartition("\n")[2])


def _released(settings: Settings) -> Iterator[list[Any]]:
    for name, place in settings.released().items():
        built = settings.network(name), settings.sizes(name)
        yield [f"backbones.{name}.weights", "released", *built, place.file, place.key]


def _starts(settings: Settings) -> Iterator[list[Any]]:
    start = settings.training.start
    if Path(start).is_file():
        for name in _beginning_networks(settings):
            built = settings.network(name), settings.sizes(name)
            yield [f"training.start, for {name}", "start", *built, start]


def _check_packaged_start(settings: Settings) -> None:
    """Whether what ships fits, which is known without trying it."""
    packaged = json.loads((PACKAGED_MIX.parent / "bundle.json").read_text(encoding="utf-8"))
    backbone, sizes = packaged["backbone"], packaged["sizes"]
    for name in _beginning_networks(settings):
        if (settings.network(name), settings.sizes(name)) != (backbone, sizes):
            options = ", ".join(f"{option}: {size}" for option, size in sizes.items())
            raise InputError(
                f"training.start, for {name}: what is packaged is a {backbone} of {options}; "
                "configure that one, or write 'none', 'mix' or a path"
            )


def _beginning_networks(settings: Settings) -> list[str]:
    """Those that begin as `start` says; others may be configured and never be trained."""
    compared = (row.backbone for row in settings.report.compared)
    asked_for = {settings.search.backbone, *settings.report.backbones, *compared}
    return sorted(asked_for.intersection(settings.trained()))


def _described(settings: Settings) -> Iterator[list[Any]]:
    for network in settings.descriptor.networks():
        path = settings.descriptor.path_of(network)
        if settings.descriptor.weights_of(network) not in ("packaged", "trained", ""):
            key = "descriptor.vgg.weights" if network == "vgg" else "descriptor.weights"
            yield [key, "descriptor", network, str(path)]


def _taught(settings: Settings) -> Iterator[list[Any]]:
    """Procedures that have options, for each of the largest groups of their networks."""
    training = settings.training
    for name in settings.trained():
        procedure = settings.procedure(name)
        if options := settings.procedure_options(procedure):
            built = settings.network(name), settings.sizes(name)
            options |= settings.procedure_files(procedure)
            task = {"iterations": training.steps_of(name), "batch": training.batch}
            for group in settings.trained_on(name):
                shares = training.sampling(group)["weights"]
                of = task | {"degradations": group}
                yield ["", "procedure", *built, procedure, options, of, shares]


def _check_procedures(settings: Settings) -> None:
    for name, given in settings.procedures.items():
        require_known(name, names_in(PROCEDURES), "procedure")
        options = options_of(PROCEDURES, name)
        for option, value in given.items():
            require_known(option, options, f"option of procedures.{name}")
            _check_option(f"procedures.{name}.{option}", value, options[option])
            if isinstance(value, dict):
                for degradation in value:
                    known = {*names_in("degradations"), *settings.degradations}
                    require_known(degradation, known, f"degradation in procedures.{name}.{option}")
        for option, path in settings.procedure_files(name).items():
            if path and not Path(path).is_file():
                raise InputError(f"procedures.{name}.{option}: {path}: no such file")
    if isinstance(settings.training.procedure, dict):
        for backbone in settings.training.procedure:
            _require_there(backbone, settings.backbones, "backbones", "training.procedure")
    for backbone in settings.trained():
        name = settings.procedure(backbone)
        require_known(name, names_in(PROCEDURES), "procedure in training.procedure")
        networks = constant_of(PROCEDURES, name, "NETWORKS")
        network = settings.network(backbone)
        if networks and network not in networks:
            raise InputError(
                f"training.procedure: {name} trains {' and '.join(networks)}, not {network}; give "
                f"{backbone} another, as in {{{backbone}: l1}}, or take it out of backbones"
            )
        if settings.execution.accumulation > 1 and constant_of(PROCEDURES, name, "ONE_PART"):
            raise InputError(
                f"training.procedure: {name}, of {backbone}, normalises over a batch, which no "
                "process works through in parts; write execution.accumulation: 1, with more "
                "execution.processes, or l1"
            )


def _check_option(key: str, value: Any, default: Any, any_length: bool = False) -> None:
    """An option of a network has the type of its default, and is above 0 as far as it counts.

    A list has as many entries as its default, unless it may have `any_length`.
    """
    if isinstance(value, int) and type(default) is float and type(value) is not bool:
        value = float(value)
    if type(value) is not type(default):
        hint = meant_number(value) if type(default) in (int, float) else ""
        raise InputError(f"{key}: must be of type {type(default).__name__}, got {value!r}{hint}")
    if isinstance(default, list):
        if len(value) != len(default) and not any_length:
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
    if (network := settings.network(search.backbone)) != search.backbone:
        raise InputError(
            f"search.backbone: {search.backbone} is another name of {network}, and exports know "
            f"networks by their modules'; name the entry {network}"
        )
    require_known(search.test_set, settings.images.test_sets(), "search.test_set")
    for name in search.degradations:
        _require_there(name, settings.degradations, "degradations", "search.degradations")
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


def _check_automatic_weights(settings: Settings) -> None:
    """Shares that follow single-task models need their validations, and one loss throughout."""
    if settings.training.weights != "auto":
        return
    if settings.search.levels:
        raise InputError(
            "training.weights: auto follows single-task models to their end, which search.levels "
            "leaves open; take out one of the two, and write search.strategy: active for budget"
        )
    if not settings.execution.validation:
        raise InputError(
            "execution.validation: 0 patches, but training.weights: auto goes by the validations "
            "of single-task models; write 8, or take out auto"
        )
    for backbone in settings.trained():
        procedure = settings.procedure(backbone)
        followed = settings.follows_singles(backbone, settings.searched()[:2])
        if followed and constant_of(PROCEDURES, procedure, "WHOLE_TRAININGS"):
            raise InputError(
                f"training.weights: auto compares validations throughout, but {procedure}, of "
                f"{backbone}, has phases; write training.procedure: {{{backbone}: l1}}, or take "
                "out auto"
            )


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
        for name in settings.images.test_sets()
    }
    groups = {group for tables in brought.values() for group in tables}
    try:
        check_measurements(brought, names, [search.test_set, *own])
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
        if "gpu" in asked and str(asked.get("gres", "")).startswith("gpu"):
            raise InputError(
                f"resources.{kind}.gpus: {asked['gpu']}, but gres is {asked['gres']}: leave one "
                "of the two out"
            )


def _check_report(settings: Settings) -> None:
    report = settings.report
    for name in report.backbones:
        _require_there(name, settings.backbones, "backbones", "report.backbones")
    for name in report.test_sets:
        require_known(name, settings.images.test_sets(), "test set in report.test_sets")
    _check_compared(settings)
    for name in report.noise_degradations:
        _require_there(name, settings.searched(), "degradations", "report.noise_degradations")
    for number, experiment in enumerate(report.experiments, start=1):
        key = f"report.experiments, {number}"
        require_known(experiment.feature, names_in("descriptors"), f"descriptor in {key}")
        for group in (experiment.higher, experiment.lower):
            for name in group:
                _require_there(name, settings.degradations, "degradations", key)
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
        _require_there(row.backbone, settings.backbones, "backbones", key)
        for name in row.degradations:
            _require_there(name, settings.degradations, "degradations", key)
        if len(set(row.degradations)) < len(row.degradations):
            raise InputError(f"{key}: a degradation stands there twice")
        if row.reseeded and row.backbone in settings.released():
            raise InputError(f"{key}.reseeded: {row.backbone} has weights and is not trained")
        if row.reseeded and settings.group(row) != settings.searched():
            raise InputError(f"{key}.reseeded: only a row that is trained on all that is searched")


def _check_selection(settings: Settings) -> None:
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
        if name in {*ROLES, *settings.images.test_sets(), *settings.degradations, "clean"}:
            raise InputError(f"{key}: this name is taken, choose another")
        _check_split(f"{key}.split", given.split)
    for name in (name for pair in selection.mixed for name in pair):
        require_known(name, names_in("degradations"), "degradation in selection.mixed")
