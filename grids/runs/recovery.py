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
from grids.runs import slurm

SECONDS_BETWEEN_LOOKS = 5.0


def recover(folder: Path, end_jobs: bool, say: Callable[[str], None]) -> None:
    """Waits for a workflow's live jobs, or cancels them, and then removes Snakemake's locks.

    Args:
        folder: that Snakemake was run in.
        end_jobs: cancel them; a training keeps its state when it is told to end.
        say: takes lines.

    Raises:
        InputError: a Snakemake still runs there, or the queue cannot be asked.
    """
    if running := list(snakemakes(folder)):
        raise InputError(
            f"{folder}: Snakemake runs here (process {running[0]}); it looks after its jobs itself"
        )
    jobs = slurm.live_jobs(folder)
    for job in jobs:
        say(f"job {job.id}: {job.work}, {job.state}, {job.elapsed}")
    if end_jobs:
        slurm.cancel(jobs)
    known = None
    while jobs := slurm.live_jobs(folder):
        if len(jobs) != known:
            known = len(jobs)
            say(f"waiting for {known} jobs to be over")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    _unlock(folder)
    say("no job is live, the folder is unlocked: run snakemake again")


def snakemakes(folder: Path) -> Iterator[int]:
    """Processes on this machine that are a Snakemake of this folder and not one of its jobs."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            inside_a_job = b"SLURM_JOB_ID=" in (process / "environ").read_bytes()
            here = (process / "cwd").resolve() == folder.resolve()
        except OSError:
            continue  # it is over, or another user's
        # Who reads `…snakemake.log` is another program.
        program = Path(os.fsdecode(command.partition(b"\0")[0])).name
        if (
            here
            and program.startswith("python")
            and b"snakemake" in command
            and not inside_a_job
            and int(process.name) != os.getpid()
        ):
            yield int(process.name)


def _unlock(folder: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".smk") as nothing:
        # Locks belong to the folder and not to a workflow or its configuration.
        command = [sys.executable, "-m", "snakemake", "--unlock", "--snakefile", nothing.name]
        command += ["--workflow-profile", "none", "--cores", "1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"snakemake --unlock: {done.stderr.strip()}")
