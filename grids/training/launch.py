"""Starts a training in this process, or in several by torchrun.

In one: `run` calls the function. In several torchrun calls this module with the arguments, which
calls the function, once a process.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from grids.base.errors import InputError, NotFiniteError
from grids.training.loop import Execution
from grids.training.processes import allocation, ownership, ranks
from grids.training.run import state_folder

Say = Callable[[str], None]


class Layout(NamedTuple):
    """Where the processes of a training run."""

    processes: int
    nodes: int


def split(execution: dict[str, Any], threads: int) -> tuple[Layout, dict[str, Any]]:
    """The section `execution` of the configuration as layout and as arguments.

    Args:
        execution: the whole section, with the number of `nodes`.
        threads: CPU threads of the job on a node, which its processes there share.
    """
    layout = Layout(execution["processes"], execution["nodes"])
    return layout, {
        "device": execution["device"],
        "scratch": execution["scratch"],
        "threads": max(1, threads * layout.nodes // layout.processes),
        "execution": {field.name: execution[field.name] for field in fields(Execution)},
    }


def run(train: Callable[..., None], arguments: dict[str, Any], layout: Layout, say: Say) -> None:
    """Calls `train(**arguments, say=say)`, in as many processes as asked for.

    In a job of a cluster it goes on over several allocations (see
    `grids.training.processes.allocation`).

    Args:
        train: a function of a module, by whose name the processes find it.
        arguments: JSON-able; its file `weights` is what the training ends with.
        layout: of the processes; several nodes count only in a job of SLURM.
        say: takes the lines that the first process says.

    Raises:
        SystemExit: a process failed, or a signal came, which all of them were told; or a later copy
            of the training took over: with status 0 if it has finished, since after any other a
            workflow manager deletes the outputs.
    """
    weights = Path(arguments["weights"])
    state = state_folder(weights)
    ownership.claim(state)
    try:
        with allocation.renewed(state, say):
            if layout.processes == 1:
                train(**arguments, say=say)
            else:
                _torchrun(train, arguments, layout, state, say)
    except ownership.Superseded as superseded:
        say(str(superseded))
        sys.exit(0 if weights.exists() else 1)


def _torchrun(
    train: Callable[..., None], arguments: dict[str, Any], layout: Layout, state: Path, say: Say
) -> None:
    # Said by torchrun otherwise, at length.
    environment = {"OMP_NUM_THREADS": str(arguments["threads"]), **os.environ}
    command = [*_start(layout, arguments["threads"], arguments["device"]), "-m", __name__]
    command += [train.__module__, train.__name__, json.dumps(arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as started:
        before = signal.signal(signal.SIGTERM, lambda *_: _tell_to_end(started, command[0]))
        for line in started.stdout or ():
            say(line.rstrip())
        signal.signal(signal.SIGTERM, before)
    if started.returncode:
        ownership.check(state)
        sys.exit(f"error: the training ended with status {started.returncode}, see above")


def _tell_to_end(started: subprocess.Popen[str], program: str) -> None:
    """SIGTERM to all processes of the training, which srun would answer by killing them."""
    if program == "srun":
        # The job's first step: nothing else in it uses srun.
        subprocess.run(["scancel", "--signal=TERM", f"{os.environ['SLURM_JOB_ID']}.0"])
    else:
        started.send_signal(signal.SIGTERM)


def _start(layout: Layout, threads: int, device: str) -> list[str]:
    """The command that calls torchrun, on one node or once on each of a job's nodes."""
    job = os.environ.get("SLURM_JOB_ID", "")
    nodes = layout.nodes if job else 1
    share = layout.processes // nodes
    ranks.require_devices(share, device)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(share)]
    if nodes == 1:
        return [*torchrun, "--standalone"]
    # This is the first of the nodes; jobs that share it must not meet at one port.
    place = f"{socket.gethostname()}:{20_000 + int(job) % 10_000}"
    srun = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"]
    srun += [f"--cpus-per-task={threads * share}", "--kill-on-bad-exit=1"]
    return [
        *(*srun, *torchrun, "--nnodes", str(nodes)),
        *("--rdzv-backend", "c10d", "--rdzv-id", job, "--rdzv-endpoint", place),
    ]


def main(module: str, function: str, arguments: str) -> None:
    """What torchrun calls in each process."""
    train, given = getattr(importlib.import_module(module), function), json.loads(arguments)
    with ranks.joined(given["device"]):
        try:
            train(**given, say=lambda line: print(line, flush=True))
        except (InputError, NotFiniteError) as error:
            if ranks.rank() == 0:
                print(f"error: {error}", flush=True)
            sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
