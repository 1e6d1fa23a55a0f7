import pytest
import torch

from grids.base.errors import InputError
from grids.models import devices


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize("given", [None, "", "-1", "NoDevFiles"])
def test_without_a_gpu_auto_is_the_cpu(monkeypatch, given):
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert devices.use("auto", 1) == torch.device("cpu")


def test_a_job_whose_gpu_torch_does_not_see_says_so(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(InputError, match=r"device auto: torch sees no CUDA device .*'0,1'.*'cpu'"):
        devices.use("auto", 1)
    assert devices.use("cpu", 1) == torch.device("cpu")


def test_a_device_that_is_asked_for_and_not_there():
    with pytest.raises(InputError, match="device cuda: torch sees no CUDA device"):
        devices.use("cuda", 1)


def test_with_a_gpu_auto_is_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.use("auto", 1) == torch.device("cuda")
