"""Which process of a training takes which device."""

import pytest
import torch
import torch.distributed as dist

from grids.base.errors import InputError
from grids.training.processes import ranks


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine as torch would see it; gets what a process does with it."""
    done = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: done.append(number))
    monkeypatch.setattr(dist, "init_process_group", lambda backend: done.append(backend))
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    return done


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_each_process_takes_its_own_gpu(device, two_gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with ranks.joined(device):
        assert two_gpus == [1, "nccl"]


def test_processes_on_the_cpu_leave_the_gpus_of_the_machine_alone(two_gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    ranks.require_devices(4, "cpu")
    with ranks.joined("cpu"):
        assert two_gpus == ["gloo"]


def test_more_processes_than_gpus_are_refused(two_gpus):
    ranks.require_devices(2, "auto")
    with pytest.raises(InputError, match=r"execution\.processes: 3 .* 2 CUDA devices"):
        ranks.require_devices(3, "auto")
