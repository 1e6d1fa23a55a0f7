"""Where tensors are computed."""

import os

import torch

from grids.base.errors import InputError


def use(name: str, threads: int) -> torch.device:
    """The device `auto`, `cpu` or `cuda`, after the number of CPU threads is set.

    Raises:
        InputError: `cuda` is asked for and there is none; or `auto`, and torch does not see the
            GPUs that a cluster gave to the job: days on a CPU are not what was meant.
    """
    torch.set_num_threads(threads)
    if name == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if name == "auto" and (given in ("", "NoDevFiles") or given.startswith("-")):
        return torch.device("cpu")
    raise InputError(
        f"device {name}: torch sees no CUDA device (CUDA_VISIBLE_DEVICES is {given!r}); "
        "write 'cpu', or install a CUDA build of torch that fits the driver"
    )
