"""What a network costs: its parameters, and multiplications, time and memory of one image.

Parameters and multiplications are the network's alone. Time and memory are of the machine that
measures, in float32, as photographs are restored (`grids.models.restorers.restore`).
"""

import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from grids.models import restorers

# Of the image in pixels; global attention costs the more for each, the more there are.
SIDE = 256
# Passes are repeated for so long, and at least twice; the fastest counts.
SECONDS = 1.0

STATUS = Path("/proc/self/status")


def measure(backbone: str, sizes: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Builds a network, has it restore an image of noise, and looks what that takes.

    In a process that has done nothing else: what a process has once held counts as its own.

    Args:
        backbone, sizes: the module's name and its options.
        device: where it runs.

    Returns:
        `parameters`; `gmacs`, 10⁹ multiplications with additions of one pass, those of convolutions
        and products of matrices alone; `side` of the image in pixels; `seconds_per_megapixel`, of
        the processor on a CPU, elapsed on a GPU; `peak_mib`, the most memory beyond what torch
        itself takes, None where the system does not tell; `device` and `threads`.
    """
    torch.manual_seed(0)
    image = torch.rand(1, 3, SIDE, SIDE)
    _load_torch(device)
    before = _reset_peak(device)
    network = restorers.build(backbone, sizes).eval()
    # The annotation of `to` lacks the format of memory.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    with FlopCounterMode(display=False) as counter:
        restorers.restore(network, image, device)
    peak = _peak(device)
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        # Of a multiplication and an addition it counts both.
        "gmacs": counter.get_total_flops() / 2e9,
        "side": SIDE,
        "seconds_per_megapixel": _fastest(network, image, device) / (SIDE**2 / 1e6),
        "peak_mib": None if peak is None or before is None else (peak - before) / 2**20,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "threads": torch.get_num_threads(),
    }


def _fastest(network: torch.nn.Module, image: torch.Tensor, device: torch.device) -> float:
    """Seconds of the fastest pass. Others on the machine do not count on a CPU."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    passes: list[float] = []
    while len(passes) < 2 or sum(passes) < SECONDS:
        begin = clock()
        restorers.restore(network, image, device)
        passes.append(clock() - begin)
    return min(passes)


def _load_torch(device: torch.device) -> None:
    """Has torch load what every network needs, and what counts it."""
    convolution = torch.nn.Conv2d(3, 8, 3).to(device)
    with FlopCounterMode(display=False):
        restorers.restore(convolution, torch.rand(1, 3, 16, 16), device)


def _reset_peak(device: torch.device) -> int | None:
    """Forgets the most memory so far; bytes that are in use now, None where nobody tells."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    if not STATUS.exists():
        return None
    STATUS.with_name("clear_refs").write_text("5")
    return _status("VmRSS")


def _peak(device: torch.device) -> int | None:
    """Bytes of the most memory since `_reset_peak`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status("VmHWM") if STATUS.exists() else None


def _status(key: str) -> int:
    """An entry of the process' status, in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{key}:"))
    return 1024 * int(line.split()[1])
