"""A training that needs more time than its SLURM job has: the job goes back to the queue in time.

For Snakemake it is one long job, without an error and without an attempt used. Outside SLURM, and
in a job that Snakemake did not submit, all of this is skipped.
"""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from grids.training.processes.ownership import Superseded

# Long enough for the steps between two looks at the signals, and for a checkpoint.
MARGIN_SECONDS = 120.0
# Of a short allocation, most is for training.
MARGIN_SHARE = 0.25
SECONDS_BETWEEN_TRIES = 60.0
"""To ask a controller that does not answer: it may restart."""
REFUSED = 75
"""Exit status (EX_TEMPFAIL) where the cluster does not take the job back."""

Say = Callable[[str], None]


@contextmanager
def renewed(state: Path, say: Say) -> Iterator[None]:
    """Ends the block by SIGTERM in time, and puts the job back into the queue.

    The block keeps its state and leaves by SystemExit after the signal. The job starts again as it
    was submitted and goes on from there.

    Args:
        state: folder of the training's checkpoints, named by their steps.
        say: takes lines.

    Raises:
        SystemExit: of the block; with a message if it came no step further in this allocation,
            which would go on for ever.
    """
    watch = _Watch(_job())
    before = _last(state)
    watch.start()
    try:
        yield
    except SystemExit as leaving:
        if not watch.sent or isinstance(leaving, Superseded):
            raise
        if _last(state) == before:
            sys.exit(
                "error: the allocation was too short for a single checkpoint; ask for more by "
                "resources.train.runtime"
            )
        say(f"the allocation ends; job {watch.job} goes back to the queue and will go on")
        _requeue(watch.job, say)
        raise
    finally:
        watch.stop()


class _Watch(threading.Thread):
    """Sends SIGTERM to this process shortly before the job's time is up."""

    def __init__(self, job: str):
        super().__init__(daemon=True)
        self.job, self.sent = job, False
        self._stopped = threading.Event()

    def run(self) -> None:
        began = time.time()
        while self.job:
            end = _end(self.job)
            if end is None:
                left = SECONDS_BETWEEN_TRIES
            else:
                left = end - min(MARGIN_SECONDS, MARGIN_SHARE * (end - began)) - time.time()
            if left <= 0:
                self.sent = True
                os.kill(os.getpid(), signal.SIGTERM)
                return
            # In between the limit may be changed.
            if self._stopped.wait(min(left, 3600)):
                return

    def stop(self) -> None:
        self._stopped.set()


def _job() -> str:
    """The job as scontrol knows it; empty outside SLURM.

    An array's own number would mean all its tasks.
    """
    array, task = map(os.environ.get, ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"))
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")


def _end(job: str) -> float | None:
    """When a job's time is up, in seconds since the epoch; None where nobody answers now.

    Infinity: it has no limit, or is not one of Snakemake's, whose comment tells what they run.
    """
    try:
        command = ["squeue", "-h", "-j", job, "-o", "%e|%k"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    end, _, comment = told.strip().partition("|")
    if not comment.startswith("rule_"):
        return math.inf
    try:
        return datetime.fromisoformat(end).timestamp()
    except ValueError:
        return math.inf


def _requeue(job: str, say: Say) -> None:
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True)
    if done.returncode:
        say(f"scontrol requeue {job}: {done.stderr.strip()}; left to another attempt")
        sys.exit(REFUSED)


def _last(state: Path) -> str:
    return max((path.name for path in state.glob("*.pt")), default="")
