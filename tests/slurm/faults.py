"""What may happen to a run on the cluster.

Each fault waits for a job that runs and hits it, or Snakemake while it runs. It returns what the
job does, empty if the job was over before it could be hit.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from trees import Run

# Of jobs.


def cancel(run: Run) -> str:
    """Somebody cancels a job; Snakemake submits it again."""
    job = run.job()
    run.cluster.succeeds("scancel", job["id"])
    return job["comment"] if _end(run, job) == "CANCELLED" else ""


def kill_processes(run: Run) -> str:
    """All that a job has started is killed on its node; Snakemake submits it again."""
    job = run.job()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"SLURM_JOB_ID={job['id']}".encode() in _environment(process):
                os.kill(int(process.name), signal.SIGKILL)
    return job["comment"] if _end(run, job) == "FAILED" else ""


def _environment(process: Path) -> list[bytes]:
    return (process / "environ").read_bytes().split(b"\0")


def _end(run: Run, job: dict[str, str]) -> str:
    """The state in which a job ends."""
    run.cluster.wait(lambda: _state(run, job) not in ("RUNNING", "COMPLETING"))
    return _state(run, job)


def _state(run: Run, job: dict[str, str]) -> str:
    return run.cluster.of_job(job["id"], "JobState")


def preempt(run: Run) -> str:
    """The cluster takes a job's nodes away and puts it back into the queue."""
    job = run.job()
    before = run.cluster.of_job(job["id"], "Restarts")
    run.cluster.succeeds("scontrol", "requeue", job["id"])
    return job["comment"] if run.cluster.of_job(job["id"], "Restarts") > before else ""


# Of the cluster.


def restart_controller(run: Run) -> str:
    job = run.job()
    run.cluster.kill("slurmctld")
    run.cluster.start_controller()
    return job["comment"]


def lose_node(run: Run, until: Callable[[], object] = lambda: True) -> str:
    """The daemon of a node dies for a while; the job is started elsewhere.

    What it ran lives on until the daemon is there again, which ends it.
    """
    job = run.job()
    node = job["node"]
    run.cluster.kill(node)
    run.cluster.wait(lambda: "down" in run.cluster.ask("sinfo", "-h", "-n", node, "-o", "%T"), 60)
    run.job()
    run.cluster.wait(until, 120)
    run.cluster.start_node(node)
    return job["comment"]


# Of Snakemake.


def ctrl_c(run: Run) -> str:
    """Snakemake cancels its jobs; it is run again."""
    job = run.job()
    run.snakemake.send_signal(signal.SIGINT)
    assert run.snakemake.wait(60) != 0
    run.cluster.wait(lambda: not run.tree.work())
    run.start()
    return job["comment"]


def terminate(run: Run) -> str:
    """Snakemake waits for the jobs that run; it is run again."""
    job = run.job()
    run.snakemake.terminate()
    assert run.finish() != 0
    assert not run.tree.work()
    run.start()
    return job["comment"]


def kill(run: Run, *options: str) -> str:
    """Snakemake is killed and its jobs go on: they are waited for, and it is run again."""
    job = run.job()
    run.snakemake.kill()
    run.snakemake.wait()
    run.recover(*options)
    run.start()
    return job["comment"]


def kill_and_cancel(run: Run) -> str:
    """Snakemake is killed and its jobs go on: they are ended, and it is run again."""
    return kill(run, "--cancel")
