"""What a training does at the end of its allocation, with commands that answer as SLURM's do.

That a cluster is content with it, the tests in tests/slurm show.
"""

import os
import signal
import time
from datetime import datetime

import pytest
import torch
from test_training import AT_THE_END, TRAINED, all_same, at, begun, run_training, states

from grids.training.processes import allocation

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Makes the commands `squeue` and `scontrol`; returns what scontrol was told.

    `squeue` answers once `train` is in the middle of its work, however slow the machine is.
    """
    told = tmp_path / "told"
    working = f"while [ ! -e {tmp_path}/working ]; do sleep 0.02; done"

    def make(end, comment="rule_train_wildcards_srresnet_jpeg", takes_back=True):
        commands = {
            "squeue": f"{working}; echo '{end}|{comment}'",
            "scontrol": f'echo "$@" >> {told}; exit {0 if takes_back else 1}',
        }
        for name, line in commands.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
        return told

    return make


@pytest.fixture
def noticed(monkeypatch):
    """A handler as the training has one; ends a wait by SystemExit."""
    before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit(143)))
    yield
    signal.signal(signal.SIGTERM, before)


def soon():
    return datetime.fromtimestamp(time.time() + 0.2).isoformat()


def train(state, steps=1, seconds=60.0):
    with allocation.renewed(state, lambda line: None):
        for step in range(steps):
            state.mkdir(exist_ok=True)
            (state / f"{step:09d}.pt").touch()
        (state.parent / "working").touch()
        # Which thread a signal reaches is not certain: another's ends no sleep of this one.
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.02)


def test_the_job_goes_back_to_the_queue_once_it_has_a_checkpoint(slurm, noticed, tmp_path):
    told = slurm(soon())
    with pytest.raises(SystemExit) as left:
        train(tmp_path / "state")
    assert left.value.code == 143
    assert told.read_text() == "requeue 7\n"


def test_an_array_task_names_itself_and_not_all_tasks(slurm, noticed, tmp_path, monkeypatch):
    told = slurm(soon())
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "6")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    with pytest.raises(SystemExit):
        train(tmp_path / "state")
    assert told.read_text() == "requeue 6_2\n"


def test_without_a_step_in_an_allocation_it_does_not_go_on_for_ever(slurm, noticed, tmp_path):
    told = slurm(soon())
    with pytest.raises(SystemExit, match="too short for a single checkpoint"):
        train(tmp_path / "state", steps=0)
    assert not told.exists()


def test_a_cluster_that_refuses_leaves_it_to_another_attempt(slurm, noticed, tmp_path):
    slurm(soon(), takes_back=False)
    with pytest.raises(SystemExit) as left:
        train(tmp_path / "state")
    assert left.value.code == allocation.REFUSED


@pytest.mark.parametrize("comment", ["", "my own job"])
def test_a_job_that_snakemake_did_not_submit_is_left_alone(slurm, noticed, tmp_path, comment):
    told = slurm(soon(), comment=comment)
    train(tmp_path / "state", seconds=0.6)
    assert not told.exists()


def test_outside_slurm_and_without_a_limit_nothing_happens(slurm, noticed, tmp_path, monkeypatch):
    told = slurm("NONE")
    train(tmp_path / "state", seconds=0.6)
    slurm(soon())
    monkeypatch.delenv("SLURM_JOB_ID")
    train(tmp_path / "state", seconds=0.6)
    assert not told.exists()


@pytest.mark.parametrize("name", TRAINED)
def test_in_its_next_allocation_a_training_goes_on_to_the_same_weights(slurm, tmp_path, name):
    """The first ends in the third step, before a change of phases."""
    told = slurm(soon())

    def until_the_signal():
        (tmp_path / "working").touch()
        end = time.monotonic() + 60
        # The training takes one signal, and no second one.
        while signal.getsignal(signal.SIGTERM) != signal.SIG_DFL and time.monotonic() < end:
            time.sleep(0.02)

    whole, sent_away, requeued = begun(name), begun(name), begun(name)
    run_training(tmp_path / "whole", execution=AT_THE_END, **whole)
    at(2, sent_away, until_the_signal)
    with pytest.raises(SystemExit) as left, allocation.renewed(tmp_path / "state", print):
        run_training(tmp_path, execution=AT_THE_END, **sent_away)
    assert left.value.code == 128 + signal.SIGTERM
    assert told.read_text() == "requeue 7\n"
    assert states(tmp_path) == ["000000003.pt"]
    slurm("NONE")
    with allocation.renewed(tmp_path / "state", print):
        run_training(tmp_path, execution=AT_THE_END, **requeued)
    assert all_same(requeued, whole)
