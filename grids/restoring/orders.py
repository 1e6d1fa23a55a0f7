"""What is asked for: which photographs, where their twins go, and what is done to each."""

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from grids.base.errors import InputError
from grids.images import decoding, search
from grids.restoring.blending import Mask
from grids.restoring.photographs import STANDARD
from grids.selection.decision import MIN_GAIN_DB
from grids.selection.plan import STEPS

# What is added to the names of contact sheets.
OF_GROUPS, OF_COMPARISON = ".groups.png", ".compare.png"


@dataclass(frozen=True)
class Job:
    """A photograph and where its restored twin goes; `-` are standard input and output."""

    source: Path
    target: Path

    @property
    def beside(self) -> Path:
        """Where the comparison of before and after goes."""
        return self.target.with_name(self.target.name + OF_COMPARISON)


@dataclass(frozen=True)
class Order:
    """What is asked for, of each photograph.

    Attributes:
        group: the group whose model is used for all; None takes what suits each.
        groups: those whose results are put side by side on a contact sheet, the only thing that is
            written then; empty for none.
        force: also restores what is unlike all that is known, or where no gain can be counted on.
        min_gain_db: what must be counted on for a photograph to be restored.
        steps: how many models a photograph may go through; 1 where models are named.
        copy: what is left as it is becomes a copy.
        strength: 0 … 1.5, see `grids.restoring.blending.blended`.
        mask: what is restored; None for all of it.
        compare: also writes a contact sheet of before and after.
        overwrite: replaces files that are there.
        restore: False only decides.
    """

    group: str | None = None
    groups: tuple[str, ...] = ()
    force: bool = False
    min_gain_db: float = MIN_GAIN_DB
    steps: int = 1
    copy: bool = False
    strength: float = 1.0
    mask: Mask | None = None
    compare: bool = False
    overwrite: bool = False
    restore: bool = True

    @property
    def ending(self) -> str:
        """What the names of targets have behind those of their sources."""
        return OF_GROUPS if self.groups else ""


def steps(asked: int | None) -> int:
    """How many models a photograph may go through: as many as can be, or what is asked for.

    Raises:
        InputError: more or fewer than can be asked for.
    """
    if asked is None:
        return STEPS
    if not 1 <= asked <= STEPS:
        raise InputError(f"--steps: must be within 1 … {STEPS}, got {asked}")
    return asked


def min_gain_db(asked: float | None) -> float:
    """What must be counted on for a photograph to be restored: what is asked for, if anything is.

    Raises:
        InputError: it is no finite number.
    """
    if asked is None:
        return MIN_GAIN_DB
    if not math.isfinite(asked):
        raise InputError(f"--min-gain: must be a number of dB, got {asked}")
    return asked


def require_folder(out: Path) -> None:
    """Raises InputError unless results can be written into a folder that is there or can be made.

    Nothing is made: where it is missing, the folder that it would be made in is tried.
    """
    if not os.path.isdir(out) and out.suffix.lower() in search.SUFFIXES:
        raise InputError(f"-o {out}: is the name of a photograph; name a folder for the results")
    there = _there(out)
    if not os.path.isdir(there):
        what = "is no folder" if os.path.exists(there) else "is a link to nothing"
        raise InputError(f"-o {out}: {there} {what}; name a folder for the results")
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InputError(f"-o {out}: {there} cannot be written into ({error.strerror})") from None


def require_room(job: Job) -> None:
    """Raises InputError where less is free for its twin than the source takes.

    Most take as much or more: once a disk is full, nothing more is restored in vain.
    """
    with decoding.naming(job.source):
        needed = job.source.stat().st_size
    with decoding.naming(job.target, "written"):
        disk = shutil.disk_usage(_there(job.target.parent))
    # Some file systems do not tell their size, nor what is free.
    if disk.total and disk.free < needed:
        room = f"{disk.free:,} of {needed:,} bytes are free"
        raise InputError(f"{job.target}: cannot be written ({room})")


def _there(path: Path) -> Path:
    """The nearest of a path and the folders around it that is there."""
    return next(place for place in (path, *path.absolute().parents) if os.path.lexists(place))


def find(
    paths: Sequence[Path], out: Path, order: Order
) -> tuple[list[Job], list[OSError], list[Path]]:
    """The photographs at `paths` in their order, errors of folders, and other files.

    A file becomes OUT/NAME. A folder is searched with its sub-folders, and each photograph in it
    (by its suffix) becomes OUT/ the same path below the folder; what no one means (see
    `grids.images.search`) is of no interest. `out` itself is not searched. The standard input goes
    to the standard output, where one file may go as well.

    Raises:
        InputError: a path is missing, nothing is found, two photographs would become one file, one
            would be written onto a source, or more than one goes through the standard output.
    """
    if STANDARD in (*paths, out):
        return [_piped(paths, out, order)], [], []
    jobs: list[Job] = []
    unreadable: list[OSError] = []
    others: list[Path] = []

    for path in paths:
        if path.is_dir():
            for source in search.below(path, unreadable.append, without=out):
                if search.photograph(source):
                    inside = f"{source.relative_to(path)}{order.ending}"
                    jobs.append(Job(source, out / inside))
                else:
                    others.append(source)
        elif os.path.lexists(path):
            jobs.append(Job(path, out / f"{path.name}{order.ending}"))
        else:
            raise InputError(f"{path}: no such file or folder")
    # Two spellings of one file are one.
    distinct: dict[tuple[str, str], Job] = {}
    for job in jobs:
        distinct.setdefault((os.path.realpath(job.source), os.path.realpath(job.target)), job)
    jobs = [*distinct.values()]
    if not jobs and not unreadable:
        names = ", ".join(search.SUFFIXES)
        raise InputError(f"{', '.join(map(str, paths))}: no photograph is there ({names})")
    _require_distinct(jobs, order.compare)
    return jobs, unreadable, others


def _piped(paths: Sequence[Path], out: Path, order: Order) -> Job:
    """The one photograph that comes from the standard input or goes to the standard output."""
    source = paths[0]
    if len(paths) > 1 or source.is_dir():
        raise InputError("-: one photograph alone goes through standard input and output")
    if out != STANDARD:
        raise InputError("-: the standard input goes to the standard output; write -o -")
    if order.copy:
        raise InputError("--copy: what came through a pipe is gone; name a file and a folder")
    if order.compare:
        raise InputError("--compare: writes a second picture; name a folder with -o")
    if source != STANDARD and not os.path.lexists(source):
        raise InputError(f"{source}: no such file or folder")
    return Job(source, out)


def _require_distinct(jobs: Sequence[Job], compare: bool) -> None:
    sources = {os.path.realpath(job.source): job.source for job in jobs}
    targets: dict[str, Path] = {}
    for job in jobs:
        for target in (job.target, *([job.beside] if compare else [])):
            real = os.path.realpath(target)
            if real in sources:
                raise InputError(
                    f"{target}: would be written onto {sources[real]}; name another folder with -o"
                )
            earlier = targets.setdefault(real, job.source)
            if earlier != job.source:
                raise InputError(
                    f"{earlier} and {job.source} would both become {target}; "
                    "restore them one after the other into different folders"
                )


def megapixels(path: Path) -> float:
    """Size of a photograph, 0 of one that cannot be read: it is named when its turn comes."""
    try:
        width, height = decoding.size(path)
    except InputError:
        return 0.0
    return width * height / 1e6
