"""The way back after Snakemake was killed while its jobs went on in a cluster.

Jobs that nobody waits for go on writing. Another run would start second copies on the same files:
so first they must be over.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from grids.base.errors import InputError
from grids.base.wording import counted
from grids.runs import slurm

SECONDS_BETWEEN_LOOKS = 5.0


def recover(folder: Path, end_jobs: bool, say: Callable[[str], None]) -> None:
    """Waits for a workflow's live jobs, or cancels them, and then removes Snakemake's locks.

    Args:
        folder: that Snakemake was run in.
        end_jobs: cancel them; a training keeps its state when it is told to end.
        say: takes lines.

    Raises:
        InputError: a Snakemake still runs there or may do so, or the queue cannot be asked.
    """
    if running := list(snakemakes(folder)):
        raise InputError(
            f"{folder}: Snakemake runs here (process {running[0]}); it looks after its jobs itself"
        )
    # A Snakemake on another machine is not seen, but the allocation that it runs in is.
    if others := slurm.other_jobs(folder):
        raise InputError(
            f"{folder}: job {others[0].id} was submitted here and makes no result; if Snakemake "
            "runs in it, it looks after its jobs itself; if not, wait for it or cancel it"
        )
    jobs = slurm.live_jobs(folder)
    for job in jobs:
        say(f"job {job.id}: {job.work}, {job.state}, {job.elapsed}")
    if end_jobs:
        slurm.cancel(jobs)
    known = None
    while live := _live(folder):
        if live != known:
            known = live
            say(f"waiting for {counted(live, 'job')} to be over")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    _unlock(folder)
    say("no job is live, the folder is unlocked: run snakemake again")


def _live(folder: Path) -> int:
    """How many jobs are not over: those in the queue, and scripts that are none of these."""
    queued = {job.id for job in slurm.live_jobs(folder)}
    return len(queued) + sum(slurm.job_of(script) not in queued for script in scripts(folder))


def snakemakes(folder: Path) -> Iterator[int]:
    """Processes on this machine that are a Snakemake of this folder and not one of its jobs."""
    for process, arguments in _pythons(folder):
        named = any(Path(argument).name == "snakemake" for argument in arguments)
        # Snakemake starts itself once more for a job, with the mode that it is to work in.
        if named and "--mode" not in arguments:
            yield process


def scripts(folder: Path) -> Iterator[int]:
    """Processes on this machine that are jobs of a Snakemake of this folder, which may be gone."""
    for process, arguments in _pythons(folder):
        if any("/.snakemake/scripts/" in argument for argument in arguments[:2]):
            yield process


def _pythons(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Other Python programs that run in a folder, with their arguments."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            here = (process / "cwd").resolve() == folder.resolve()
        except OSError:
            continue  # it is over, or another user's
        program, *arguments = os.fsdecode(command).split("\0")
        # Who reads `…snakemake.log` is another program.
        if here and Path(program).name.startswith("python") and int(process.name) != os.getpid():
            yield int(process.name), arguments


def _unlock(folder: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".smk") as nothing:
        # Locks belong to the folder and not to a workflow or its configuration.
        command = [sys.executable, "-m", "snakemake", "--unlock", "--snakefile", nothing.name]
        command += ["--workflow-profile", "none", "--cores", "1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"snakemake --unlock: {done.stderr.strip()}")
