"""What SLURM says to the jobs of a workflow: whether it would take them, and its queue."""

import math
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.times import minutes

# A job that is completing may still write.
LIVE = "PENDING,CONFIGURING,RUNNING,COMPLETING,SUSPENDED,REQUEUED,STOPPED"


# Snakemake's names of what a job asks for, and sbatch's.
OPTIONS = {
    "slurm_account": "account",
    "slurm_partition": "partition",
    "qos": "qos",
    "constraint": "constraint",
    "mem_mb": "mem",
    "runtime": "time",
    "nodes": "nodes",
    "tasks": "ntasks",
    "gres": "gres",
}


def arguments(asked: Mapping[str, Any], threads: int) -> list[str]:
    """What Snakemake's executor tells sbatch that a job asks for.

    Args:
        asked: by Snakemake's names.
        threads: of the job.
    """
    given = [f"--{option}={asked[name]}" for name, option in OPTIONS.items() if asked.get(name)]
    if asked.get("gpu"):
        model = f"{asked['gpu_model']}:" if asked.get("gpu_model") else ""
        given.append(f"--gpus={model}{asked['gpu']}")
    return [*given, f"--cpus-per-task={threads}", *shlex.split(asked.get("slurm_extra", ""))]


def check(requests: Mapping[str, tuple[Mapping[str, Any], int]]) -> None:
    """Asks SLURM whether it would take jobs, before any is submitted.

    Args:
        requests: what jobs ask for, by Snakemake's names, and their threads, under the jobs' name.

    Raises:
        InputError: it would not; in its own words.
    """
    ask("sbatch", "--version")
    limits = _limits()
    for what, (asked, threads) in requests.items():
        given = arguments(asked, threads)
        if refusal := _refusal(given):
            raise InputError(f"{what}: SLURM refuses {shlex.join(given)}: {refusal}")
        # Such a job it would take, and let wait forever. A quality of service may lift the limit.
        partition = asked.get("slurm_partition", "")
        longest = max(limits.get(name, math.inf) for name in partition.split(","))
        if asked["runtime"] > longest and not asked.get("qos"):
            raise InputError(
                f"{what}: asks for {asked['runtime']} minutes, but the partition "
                f"{partition or 'of jobs that name none'} allows {longest}: it would wait forever"
            )


def _limits() -> dict[str, float]:
    """The longest that jobs may take, in minutes, by partition; the default one's under no name."""
    found: dict[str, float] = {}
    for line in ask("sinfo", "--noheader", "--format", "%P|%l").splitlines():
        name, limit = line.split("|")
        names = [name.rstrip("*"), *([""] if "*" in name else [])]
        found |= dict.fromkeys(names, minutes(limit) if limit[0].isdecimal() else math.inf)
    return found


def _refusal(given: Sequence[str]) -> str:
    """Why sbatch would not take a job; empty if it would.

    A test leaves no trace, but fails also where a job would only wait, as while all nodes are
    drained. So what fails is submitted for tomorrow, and taken back if it was accepted. (Of a job
    that is held SLURM does not ask whether it fits a node.)
    """
    if not _run("sbatch", "--test-only", *given, "--wrap=true").returncode:
        return ""
    later = ["--begin=now+1day", "--parsable", "--output=/dev/null"]
    done = _run("sbatch", *given, *later, "--wrap=true")
    if done.returncode:
        return "; ".join(done.stderr.strip().splitlines())
    ask("scancel", done.stdout.strip().split(";")[0])
    return ""


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


def job_of(process: int) -> str:
    """The number of the job that a process of this machine runs in, as `LiveJob.id`; or empty."""
    try:
        environment = (Path("/proc") / str(process) / "environ").read_bytes()
    except OSError:
        return ""  # it is over
    given = dict(line.partition("=")[::2] for line in os.fsdecode(environment).split("\0"))
    if "SLURM_ARRAY_TASK_ID" in given:
        return f"{given['SLURM_ARRAY_JOB_ID']}_{given['SLURM_ARRAY_TASK_ID']}"
    return given.get("SLURM_JOB_ID", "")


def cancel(jobs: list[LiveJob]) -> None:
    """Ends jobs; they are over when `live_jobs` no longer lists them."""
    if jobs:
        ask("scancel", *(job.id for job in jobs))


def ask(*command: str) -> str:
    """What a command of SLURM prints.

    Raises:
        InputError: there is no such command here, or it failed.
    """
    done = _run(*command)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise InputError(f"{command[0]}: {said[-1]}")
    return done.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError(f"{command[0]}: no such command; there is no SLURM here") from None
