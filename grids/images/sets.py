"""Sets of photographs: where their files are, and whether they are large enough.

A set is a folder, a glob, or `embedded`: the colour photographs of natural scenes that ship inside
scikit-image. Each of these five is cut into three vertical bands, so that the training, the PIES
and the test set share scenes but no pixel.
"""

import glob
import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from grids.base.errors import InputError
from grids.images import reading, search

EMBEDDED = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
EMBEDDED_COLUMNS = {"train": (0.0, 0.5), "pies": (0.5, 0.8), "test": (0.8, 1.0)}

Source = str | Sequence[str]
# Says of a file whether it is no photograph, because of where it lies.
Apart = Callable[[Path], bool]


def nothing(path: Path) -> bool:
    """Every file may be a photograph."""
    return False


def find(source: Source, apart: Apart = nothing) -> list[Path]:
    """Files of a set, sorted by name.

    Args:
        source: a folder (searched with its sub-folders), a glob, or `embedded`. What no one means
            (see `grids.images.search`) is passed over. Or the files themselves, in the order to
            keep.
        apart: what is passed over as well: results (see `grids.jobs.places.among_results`).

    Raises:
        InputError: nothing is there, it cannot be read, or no image is among it.
    """
    if not isinstance(source, str):
        return [Path(path) for path in source]
    if source == "embedded":
        # Found without importing scikit-image, which takes most of a second.
        installed = importlib.util.find_spec("skimage")
        if installed is None or installed.origin is None:
            raise InputError("embedded: scikit-image, in which these photographs are, is missing")
        folder = Path(installed.origin).parent / "data"
        return [folder / name for name in EMBEDDED]
    found: Iterable[Path]
    if glob.has_magic(source) and not os.path.isdir(source):
        parts = Path(source).parts
        start = next(i for i, part in enumerate(parts) if glob.has_magic(part))
        found = [
            path
            for path in map(Path, glob.glob(source, recursive=True))
            if all(part in parts[start:] or search.meant(part) for part in path.parts[start:])
        ]
    elif os.path.isfile(source):
        raise InputError(f"{source}: is a file; write the folder that it is in, or a glob")
    elif not os.path.isdir(source):
        raise InputError(f"{source}: no such folder; write a folder, a glob, or 'embedded'")
    elif not os.access(source, os.R_OK | os.X_OK):
        raise InputError(f"{source}: this folder cannot be read; grant permission to read it")
    else:

        def unreadable(error: OSError) -> None:
            raise InputError(f"{source}: {error.filename} cannot be read ({error.strerror})")

        found = search.below(source, unreadable)
    there = sorted(p for p in found if search.photograph(p) and search.in_a_files_place(p))
    images = [path for path in there if not apart(path)]
    if there and not images:
        raise InputError(f"{source}: only results of the workflow are there; name another place")
    gone = [path for path in images if not path.exists()]
    if gone:
        raise InputError(f"{gone[0]}: a link to nothing; mend or remove it [{len(gone)} such]")
    if not images:
        raise InputError(f"{source}: no image is there ({', '.join(search.SUFFIXES)})")
    return images


def columns(source: Source, name: str) -> reading.Columns:
    """Part of each photograph's width that a set uses; a name but `train` and `pies` is a test."""
    role = name if name in EMBEDDED_COLUMNS else "test"
    return EMBEDDED_COLUMNS[role] if source == "embedded" else reading.WHOLE


def check(paths: Sequence[Path], part: reading.Columns, least: int, why: str) -> None:
    """Checks the headers of a set: every file opens and is at least `least` pixels wide and high.

    Raises:
        InputError: names the first bad file, how many are bad and how many are good.
    """

    def inspect(path: Path) -> None:
        width, height = reading.size(path, part)
        if min(width, height) < least:
            raise InputError(f"{path}: {width}×{height} pixels, but {why} needs {least}×{least}")

    reading.for_each(inspect, paths)
