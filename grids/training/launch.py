"""Starts a training in this process, or in several by torchrun.

In one: `run` calls the function. In several it writes the arguments to a file, and torchrun calls
this module, which reads them and calls the function, once a process.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from grids.errors import InputError
from grids.training import ranks
from grids.training.loop import Execution

Say = Callable[[str], None]


def split(execution: dict, threads: int) -> tuple[int, dict]:
    """The section `execution` of the configuration as number of processes and as arguments.

    Args:
        execution: the whole section.
        threads: CPU threads of the job, which its processes share.
    """
    processes = execution["processes"]
    return processes, {
        "device": execution["device"],
        "threads": max(1, threads // processes),
        "execution": {field.name: execution[field.name] for field in fields(Execution)},
    }


def run(train: Callable[..., None], arguments: dict, processes: int, say: Say) -> None:
    """Calls `train(**arguments, say=say)`, in as many processes on this machine as asked for.

    Args:
        train: a function of a module, by whose name the processes find it.
        arguments: JSON-able.
        processes: at least 1.
        say: takes the lines that the first process says.

    Raises:
        SystemExit: a process failed, or a signal came, which all of them were told.
    """
    if processes == 1:
        train(**arguments, say=say)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arguments.json"
        path.write_text(json.dumps(arguments), encoding="utf-8")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(processes), "-m", __name__]
        command += [train.__module__, train.__name__, str(path)]
        # Said by torchrun otherwise, at length.
        environment = {"OMP_NUM_THREADS": str(arguments["threads"]), **os.environ}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as started:
            before = signal.signal(signal.SIGTERM, lambda number, _: started.send_signal(number))
            for line in started.stdout:
                say(line.rstrip())
            signal.signal(signal.SIGTERM, before)
        if started.returncode:
            sys.exit(f"error: the training ended with status {started.returncode}, see above")


def main(module: str, function: str, path: str) -> None:
    """What torchrun calls in each process."""
    train = getattr(importlib.import_module(module), function)
    arguments = json.loads(Path(path).read_text(encoding="utf-8"))
    with ranks.joined():
        try:
            train(**arguments, say=lambda line: print(line, flush=True))
        except (InputError, ArithmeticError) as error:
            if ranks.rank() == 0:
                print(f"error: {error}", flush=True)
            sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
