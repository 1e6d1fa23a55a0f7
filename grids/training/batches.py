"""What a training is fed with: tensors as a function of the step and the sample alone.

So a batch is the same whatever makes it: how many workers, how many processes that share it, in how
many parts it is worked through, and whether the training was killed before.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

Batch = tuple[Tensor, ...]
"""(input, target), (samples, 3, height, width) each, and what else a procedure asks for."""
Batches = Callable[[int, range], Batch]
"""Some samples of a step's batch."""


class Place(NamedTuple):
    """Where a crop lies, and in which of the eight orientations it is seen."""

    photograph: int
    y: int
    x: int
    quarters: int
    mirrored: int


class Photographs(Protocol):
    """What crops are cut from, (height, width, 3) uint8: a list, or `grids.images.store.Store`."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> np.ndarray: ...


def place(photographs: Photographs, size: int, generator: np.random.Generator) -> Place:
    """A random place for a crop of side `size`, in a random photograph."""
    photograph = int(generator.integers(len(photographs)))
    shape = photographs[photograph].shape
    y, x = (int(generator.integers(length - size + 1)) for length in shape[:2])
    return Place(photograph, y, x, int(generator.integers(4)), bool(generator.integers(2)))


def cut(photographs: Photographs, place: Place, size: int) -> np.ndarray:
    """The (size, size, 3) crop at a place."""
    y, x = place.y, place.x
    crop = photographs[place.photograph][y : y + size, x : x + size]
    turned = np.rot90(crop, place.quarters)
    return turned[:, ::-1] if place.mirrored else turned


def crop(photographs: Photographs, size: int, generator: np.random.Generator) -> np.ndarray:
    """A random (size, size, 3) crop of a random photograph, in one of the eight orientations."""
    return cut(photographs, place(photographs, size, generator), size)


def ahead(
    batches: Batches,
    steps: range,
    parts: Sequence[range],
    workers: int,
    device: torch.device,
) -> Generator[list[Batch], None, None]:
    """The batches of `steps` in order, each in `parts`, made in threads while a step is computed.

    The threads mostly run code that lets others run: the JPEG codec and tensor operations. On a
    GPU they queue their work beside that of the steps instead of behind it.

    Args:
        batches: makes them.
        steps: consecutive steps.
        parts: samples of each part.
        workers: threads; 0 makes each batch when it is asked for.
        device: where `batches` makes them.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def made(step: int) -> list[Batch]:
        # Not a stream of None: where there are GPUs it would wake them for a training on the CPU.
        with torch.cuda.stream(stream) if stream else nullcontext():
            shares = [batches(step, part) for part in parts]
            shares = [(x.contiguous(memory_format=torch.channels_last), *y) for x, *y in shares]
        if stream:
            stream.synchronize()
        return shares

    def taken(shares: list[Batch]) -> list[Batch]:
        if stream:
            # Their memory must not be reused before the steps' own queue is done with it.
            for tensor in (tensor for share in shares for tensor in share):
                if tensor.is_cuda:
                    tensor.record_stream(torch.cuda.current_stream(device))
        return shares

    if not workers:
        yield from (taken(made(step)) for step in steps)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    try:
        waiting = deque(pool.submit(made, step) for step in steps[: workers + 1])
        for step in steps:
            shares = waiting.popleft().result()
            if (later := step + workers + 1) in steps:
                waiting.append(pool.submit(made, later))
            yield taken(shares)
    finally:
        pool.shutdown(cancel_futures=True)
