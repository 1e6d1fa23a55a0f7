"""A training in two processes that is ended on its way goes on exactly, by every procedure.

One launch trains by all of them, with what `test_training` has of one process.
"""

import hashlib
import json
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

import preloaded
import pytest
import torch
from test_training import TRAINED, all_same, at, begun, run_training, states

from grids.training import launch
from grids.training.loop import Execution
from grids.training.processes import ownership, ranks

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

TESTS = Path(__file__).parent
AT_THE_END = Execution(validation=0)


def superseded(folder, training):
    """Claimed by a later copy, it ends when the first process is to write its last step."""

    def claimed():
        """The variable is each copy's own."""
        own = os.environ[ownership.VARIABLE]
        ownership.claim(folder / "state")
        os.environ[ownership.VARIABLE] = own

    writes = ranks.rank() == 0
    if writes:
        ownership.claim(folder / "state")
        at(5, training, claimed)
    with pytest.raises(ownership.Superseded) if writes else nullcontext():
        run_training(folder, execution=AT_THE_END, **training)


def signalled(folder, training):
    """One of the processes alone, in the third step; all end after it, in the first phase."""
    at(2, training, lambda: ranks.rank() or os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as left:
        run_training(folder, execution=AT_THE_END, **training)
    assert left.value.code == 128 + signal.SIGTERM


def in_each_process(weights, **_):
    """Trains by every procedure: a copy that is superseded, the later one, which is sent away."""
    folder, found = Path(weights).parent, {}
    os.environ[ownership.VARIABLE] = ""
    for name in TRAINED:
        whole, later, last = begun(name), begun(name), begun(name)
        superseded(folder / name, whole)
        os.environ[ownership.VARIABLE] = ""
        written = (folder / name / "state").exists()
        ranks.wait()
        signalled(folder / name, later)
        ranks.wait()
        left = states(folder / name)
        ranks.wait()
        run_training(folder / name, execution=AT_THE_END, **last)
        found[name] = [written, left, all_same(last, whole), digest(last)]
    (folder / f"{ranks.rank()}.json").write_text(json.dumps(found))


def digest(training) -> str:
    """Of all that is learned or remembered."""
    procedure, whole = training["procedure"], hashlib.sha256()
    for network in (procedure.network, *procedure.further.values()):
        for tensor in network.state_dict().values():
            whole.update(tensor.contiguous().view(-1).view(torch.uint8).numpy())
    return whole.hexdigest()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Of each of two processes, by procedure: whether the superseded copy wrote, what the second
    one left, whether the last ended as the first, and a digest of its end."""
    folder = tmp_path_factory.mktemp("found")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "executable", preloaded.python())
        patched.setenv("PYTHONPATH", f"{TESTS.parent}:{TESTS}")
        arguments = {"weights": str(folder / "model"), "threads": 1, "device": "cpu"}
        launch.run(in_each_process, arguments, launch.Layout(2, 1), print)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("name", TRAINED)
def test_superseded_signalled_and_run_again_it_ends_with_the_same_weights(found, name):
    for process in found:
        assert process[name][:3] == [False, ["000000003.pt"], True]


@pytest.mark.parametrize("name", TRAINED)
def test_all_processes_have_the_same(found, name):
    """A queue of codes and a tree among it."""
    first, second = (process[name][-1] for process in found)
    assert first == second
