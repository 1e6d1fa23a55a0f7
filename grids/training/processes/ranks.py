"""The processes of one training: one, or several that torchrun started, each with its share.

A rank is the number of a process. Rank 0 writes the files and says the lines.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from grids.base.errors import InputError


def require_devices(processes: int, device: str) -> None:
    """Each process on a machine with GPUs needs one of its own.

    Args:
        processes: on this machine.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        InputError: there are fewer GPUs.
    """
    if _on_gpus(device) and processes > torch.cuda.device_count():
        raise InputError(
            f"execution.processes: {processes} on this machine, but torch sees "
            f"{torch.cuda.device_count()} CUDA devices; ask for as many, or set execution.device: "
            "cpu"
        )


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Joins the other processes if torchrun started this one (gloo on CPU, NCCL on GPUs)."""
    if "LOCAL_RANK" not in os.environ:
        yield
        return
    if _on_gpus(device):
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if _on_gpus(device) else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def _on_gpus(device: str) -> bool:
    return device != "cpu" and torch.cuda.is_available()


def count() -> int:
    """Processes of the training."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def own_device(device: torch.device) -> torch.device:
    """The GPU of this process by its number, which threads need; a CPU as it is."""
    return torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" else device


def shares(batch: int, accumulation: int) -> list[range]:
    """The samples that this process works through in a step, in `accumulation` equal parts.

    Raises:
        InputError: the batch cannot be shared equally.
    """
    pieces = count() * accumulation
    if batch % pieces:
        raise InputError(
            f"a batch of {batch} (training.batch, descriptor.batch) cannot be shared equally by "
            f"execution.processes ({count()}) times execution.accumulation ({accumulation})"
        )
    size = batch // pieces
    first = rank() * accumulation * size
    return [range(first + i * size, first + (i + 1) * size) for i in range(accumulation)]


def shared(network: nn.Module) -> nn.Module:
    """`network` with gradients that are averaged over the processes."""
    if count() == 1:
        return network
    # The strides of a side of length 1 mean nothing, and the weights of 1×1 convolutions have two.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return DistributedDataParallel(network)


def gathering(model: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Within it a backward pass exchanges gradients only if it is the `last` of a step."""
    if last or not isinstance(model, DistributedDataParallel):
        return nullcontext()
    return model.no_sync()


class _Sum(torch.autograd.Function):
    """Sum over the processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(*gradients)  # type: ignore[no-untyped-call] # torch has none
        return total


def mean(values: Tensor) -> Tensor:
    """Mean over the processes, which must all ask for it, and for its gradient where one does."""
    if count() == 1:
        return values
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call] # as above
    return total / count()


def gathered(values: Tensor) -> Tensor:
    """Those of all processes in their order, along the first dimension; without gradients."""
    if count() == 1:
        return values
    all_values = [torch.empty_like(values) for _ in range(count())]
    dist.all_gather(all_values, values.contiguous())
    return torch.cat(all_values)


def wait() -> None:
    """Until all processes are here."""
    if count() > 1:
        dist.barrier()
