"""Where tensors are computed."""

import torch

from grids.errors import InputError


def use(name: str, threads: int) -> torch.device:
    """The device `auto`, `cpu` or `cuda`, after the number of CPU threads is set.

    Raises:
        InputError: `cuda` is asked for and there is none.
    """
    torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("execution.device: no CUDA device is visible; write 'auto' or 'cpu'")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
