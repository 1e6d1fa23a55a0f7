"""The photographs that a configuration names: found, opened, and where they are used twice."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pandas import DataFrame, concat

from grids.base.errors import InputError
from grids.base.wording import counted
from grids.configuration.settings import ROLES, Images, Pairs, RealPairs, Settings, pair_set
from grids.images import overlap, pairs, reading, sets, splitting
from grids.images.patches import SMALLEST
from grids.jobs import places

LEAST_TEST_SIDE = 32


def find(settings: Settings) -> dict[str, list[Path]]:
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


def _trained_and_tested(settings: Settings) -> tuple[list[str], list[str]]:
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

    trained, tested = _trained_and_tested(settings)
    tested += settings.selection.judging().values()
    training = concat(rows(name) for name in trained)
    shared = {name: overlap.shared(training, rows(name)) for name in tested}
    return [
        f"images: {overlap.described(names, len(found[name]), name)}"
        for name, names in shared.items()
        if names
    ]


def check(settings: Settings, found: Mapping[str, list[Path]]) -> None:
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
    counts = counted(len(sizes), "photograph")
    of = f"the {counts} for PIES" + (" (by images.split)" if settings.images.all else "")
    _check_patches(settings, sizes, step, of)
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
