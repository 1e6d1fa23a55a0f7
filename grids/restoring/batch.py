"""Many photographs restored, each with the model that suits it; a broken one stops no other."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from grids.base.errors import InputError, NotFiniteError
from grids.base.plugins import require_known
from grids.bundle.contents import Bundle
from grids.images import decoding, search
from grids.restoring import photographs
from grids.restoring.workshop import Workshop
from grids.selection.decision import Decision

Status = Literal["restored", "decided", "there already", "refused", "failed"]


@dataclass(frozen=True)
class Job:
    """A photograph and where its restored twin goes."""

    source: Path
    target: Path


@dataclass
class Outcome:
    """What became of a photograph.

    Attributes:
        source, target: files.
        status: `decided` if nothing was to be restored, `there already` if the target is a file
            that is not to be replaced, `refused` if no model suits it.
        width, height: in pixels.
        group: whose model was used, or would be.
        chosen_by: the rule, or `user`.
        model: fingerprint of the model's file.
        decision: what the selector says, None where it cannot judge.
        tile: side of the tiles in pixels, None if the image went through whole.
        remarks: what is not in the restored file as in the source, and how sure the choice is.
        reason: why it was refused or failed.
    """

    source: Path
    target: Path
    status: Status = "failed"
    width: int = 0
    height: int = 0
    group: str = ""
    chosen_by: str = ""
    model: str = ""
    decision: Decision | None = None
    tile: int | None = None
    remarks: tuple[str, ...] = ()
    reason: str = ""

    @property
    def distance(self) -> float | None:
        """S of the group from the photograph."""
        return self.decision.distances[self.group] if self.decision else None

    @property
    def expected(self) -> tuple[float, float, float] | None:
        """The gain in dB and its interval, of the group that the selector chose."""
        if self.decision is None or self.decision.group != self.group:
            return None
        return self.decision.predicted_gain_db, *self.decision.interval_db


def find(paths: Sequence[Path], out: Path) -> tuple[list[Job], list[Outcome], list[Path]]:
    """The photographs at `paths` in their order, folders that cannot be read, and other files.

    A file becomes OUT/NAME. A folder is searched with its sub-folders, and each photograph in it
    (by its suffix) becomes OUT/ the same path below the folder; what no one means (see
    `grids.images.search`) is of no interest. `out` itself is not searched.

    Raises:
        InputError: a path is missing, nothing is found, two photographs would become one file, or
            one would be written onto a source.
    """
    jobs: list[Job] = []
    unreadable: list[Outcome] = []
    others: list[Path] = []

    def note(error: OSError) -> None:
        path = Path(error.filename)
        unreadable.append(Outcome(path, path, reason=f"{path}: {error.strerror}"))

    for path in paths:
        if path.is_dir():
            for source in search.below(path, note, without=out):
                if search.photograph(source):
                    jobs.append(Job(source, out / source.relative_to(path)))
                else:
                    others.append(source)
        elif os.path.lexists(path):
            jobs.append(Job(path, out / path.name))
        else:
            raise InputError(f"{path}: no such file or folder")
    jobs = list(dict.fromkeys(jobs))
    if not jobs and not unreadable:
        names = ", ".join(search.SUFFIXES)
        raise InputError(f"{', '.join(map(str, paths))}: no photograph is there ({names})")
    _require_distinct(jobs)
    return jobs, unreadable, others


def _require_distinct(jobs: Sequence[Job]) -> None:
    sources = {os.path.realpath(job.source): job.source for job in jobs}
    targets: dict[str, Path] = {}
    for job in jobs:
        real = os.path.realpath(job.target)
        if real in sources:
            raise InputError(
                f"{job.target}: would be written onto {sources[real]}; name another folder with -o"
            )
        earlier = targets.setdefault(real, job.source)
        if earlier != job.source:
            raise InputError(
                f"{earlier} and {job.source} would both become {job.target}; "
                "restore them one after the other into different folders"
            )


def megapixels(path: Path) -> float:
    """Size of a photograph, 0 of one that cannot be read: it is named when its turn comes."""
    try:
        width, height = decoding.size(path)
    except InputError:
        return 0.0
    return width * height / 1e6


class Batch:
    """Restores photographs one by one with the models of an export.

    Args:
        bundle: the export.
        device: where networks run.
        precision: `fp32` or `bf16`.
        tile: side of the tiles in pixels; None chooses by memory.
        group: the group whose model is used for all; None takes what suits each.
        force: also restores what is unlike all that the models were trained on.
        overwrite: replaces files that are there.
        restore: False only decides.
        say: gets a line about what happens on the way.

    Raises:
        InputError: the export has no such group or is broken, or the tile is too small.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device,
        *,
        precision: str = "fp32",
        tile: int | None = None,
        group: str | None = None,
        force: bool = False,
        overwrite: bool = False,
        restore: bool = True,
        say: Callable[[str], None] = lambda line: None,
    ):
        if group is not None:
            require_known(group, bundle.groups, "group")
        self._group, self._force = group, force
        self._overwrite, self._restore = overwrite, restore
        self._workshop = Workshop(bundle, device, precision=precision, tile=tile, say=say)
        if restore:
            self._workshop.prepare(group or bundle.groups[0])

    def run(self, job: Job, progress: Callable[[int], None] = lambda pixels: None) -> Outcome:
        """Does one job. What is wrong with its photograph is in the outcome.

        Args:
            job: what to restore, and where to.
            progress: gets the pixels restored so far.
        """
        outcome = Outcome(job.source, job.target)
        try:
            self._run(job, outcome, progress)
        except (InputError, NotFiniteError, MemoryError) as error:
            reason = str(error) or "memory ran out"
            named = reason.startswith((str(job.source), str(job.target)))
            outcome.reason = reason if named else f"{job.source}: {reason}"
        return outcome

    def leaves(self, job: Job) -> bool:
        """Whether the target is a file that is there already and not to be replaced."""
        return self._restore and not self._overwrite and os.path.isfile(job.target)

    def _run(self, job: Job, outcome: Outcome, progress: Callable[[int], None]) -> None:
        if self.leaves(job):
            outcome.status = "there already"
            outcome.reason = str(job.target)
            return
        if self._restore and not self._overwrite and os.path.lexists(job.target):
            raise InputError(f"{job.target}: exists already, and is no file")
        photograph = photographs.read(job.source)
        outcome.height, outcome.width = photograph.colour.shape[:2]
        outcome.remarks = photograph.remarks
        judged = self._workshop.judge(photograph, self._group, self._force)
        outcome.group, outcome.chosen_by = judged.group, judged.chosen_by
        outcome.model, outcome.decision = judged.model, judged.decision
        outcome.remarks += judged.remarks
        if judged.refusal:
            outcome.status = "refused"
            outcome.reason = f"{job.source}: {judged.refusal}"
            return
        if not self._restore:
            outcome.status = "decided"
            return
        restored, outcome.tile = self._workshop.restore(photograph, judged.group, progress)
        statement = self._workshop.statement(judged, outcome.tile)
        outcome.remarks += photographs.write(photograph, restored, job.target, statement)
        outcome.status = "restored"
