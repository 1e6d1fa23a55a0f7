"""What SLURM's queue tells of the jobs of a workflow."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from grids.base.errors import InputError

# A job that is completing may still write.
LIVE = "PENDING,CONFIGURING,RUNNING,COMPLETING,SUSPENDED,REQUEUED,STOPPED"


@dataclass(frozen=True)
class LiveJob:
    """A job that is not over.

    Attributes:
        id: as scancel takes it.
        state: PENDING, RUNNING, COMPLETING, …
        elapsed, left: times as SLURM writes them, [days-]hours:minutes:seconds.
        where: the nodes, or why it waits, in parentheses.
        work: what it does, by Snakemake's comment: `rule_…` or `rule_…_wildcards_…`.
    """

    id: str
    state: str
    elapsed: str
    left: str
    where: str
    work: str


def live_jobs(folder: Path) -> list[LiveJob]:
    """The user's jobs that Snakemake submitted from a folder, whichever run it was.

    Raises:
        InputError: the queue cannot be asked.
    """
    return [job for job in _submitted_from(folder) if job.work.startswith("rule_")]


def other_jobs(folder: Path) -> list[LiveJob]:
    """Those that were submitted from it otherwise, but for the one that this process runs in.

    Raises:
        InputError: the queue cannot be asked.
    """
    own = os.getenv("SLURM_JOB_ID")
    others = [job for job in _submitted_from(folder) if not job.work.startswith("rule_")]
    return [job for job in others if job.id != own]


def _submitted_from(folder: Path) -> list[LiveJob]:
    form = "%i|%T|%M|%L|%R|%k|%Z"
    command = ["squeue", "--me", "--noheader", "--array", "--states", LIVE, "--format", form]
    found = []
    for line in ask(*command).splitlines():
        *fields, submitted_from = line.split("|", form.count("|"))
        if Path(submitted_from).resolve() == folder.resolve():
            found.append(LiveJob(*fields))
    return found


def cancel(jobs: list[LiveJob]) -> None:
    """Ends jobs; they are over when `live_jobs` no longer lists them."""
    if jobs:
        ask("scancel", *(job.id for job in jobs))


def ask(*command: str) -> str:
    """What a command of SLURM prints.

    Raises:
        InputError: there is no such command here, or it failed.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError(f"{command[0]}: no such command") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise InputError(f"{command[0]}: {said[-1]}")
    return done.stdout
