"""A restorer of torch on images of any size, in tiles (see `grids.models.tiling`).

What a network asks of its tiles is found out by trying rather than declared.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grids.models import tiling
from grids.models.tiling import GRID, Needs

GLOBAL_MARGIN = 32
GLOBAL_BLEND = 32

# What a network holds at its peak, in multiples of the input and output of its widest layer.
LAYERS_AT_ONCE = 3

# A network with strides above 64 would need a larger one. 3 divides it, for strides like 12.
PROBE = (32, 192)
PROBE_HEIGHT = 16
PROBE_LENGTHS = (128, 512)

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Tiler(tiling.Tiler):
    """Restores images of any size on a device, and remembers the size of tiles that fits there.

    Args:
        network: a restorer on the device, in evaluation mode. Others that are restored with are
            like it but for their weights.
        device: where the networks are.
        precision: `fp32`, or `bf16` to multiply in bfloat16.
        tile: side of a tile in pixels; None chooses by the memory that is free.
        say: gets a line when memory has run out and smaller tiles are tried.

    Raises:
        InputError: the tile is too small for the network.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        precision: str = "fp32",
        tile: int | None = None,
        say: Callable[[str], None] = lambda line: None,
    ):
        forward = of_tensors(network, device, precision)
        super().__init__(needs(forward, network), place(device), tile, say)


def place(device: torch.device) -> tiling.Place:
    """The device as a place for tiles."""
    if device.type != "cuda":
        return tiling.Place()
    return tiling.Place(cpu=False, free=partial(_free, device), release=torch.cuda.empty_cache)


def _free(device: torch.device) -> int:
    outside = torch.cuda.mem_get_info(device)[0]
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return outside + cached


def of_tensors(
    network: nn.Module, device: torch.device, precision: str = "fp32"
) -> Callable[[Tensor], Tensor]:
    """The network as a function of (1, 3, h, w) in [0, 1] to the same on the CPU, in float32."""
    dtype = PRECISIONS[precision]
    reduced = dtype != torch.float32

    def forward(images: Tensor) -> Tensor:
        images = images.to(device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=reduced):
            restored: Tensor = network(images).float().cpu()
            return restored

    return forward


def of_arrays(network: nn.Module, device: torch.device, precision: str = "fp32") -> tiling.Forward:
    """The same for arrays."""
    forward = of_tensors(network, device, precision)

    def restored(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return forward(torch.from_numpy(images)).numpy()

    return restored


def needs(forward: Callable[[Tensor], Tensor], network: nn.Module) -> Needs:
    """Finds out what `network` asks of its tiles, from thin images that `forward` sends through."""
    bytes_per_pixel, stride = measured(forward, network)
    grid = math.lcm(GRID, stride)
    margin = reach(forward, grid)
    if margin is None:
        return Needs(GLOBAL_MARGIN, GLOBAL_BLEND, bytes_per_pixel, grid)
    return Needs(margin, 1, bytes_per_pixel, grid)


def measured(forward: Callable[[Tensor], Tensor], network: nn.Module) -> tuple[int, int]:
    """About the memory that a pixel takes at the network's peak; the product of its strides."""
    height, width = PROBE
    widest, narrowest = 0, width

    def measure(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal widest, narrowest
        tensors = [t for t in (*inputs, output) if isinstance(t, Tensor)]
        widest = max(widest, sum(t.nbytes for t in tensors))
        # One pixel is a mean over the image and says nothing of strides.
        widths = [t.shape[-1] for t in tensors if t.ndim == 4 and t.shape[-1] > 1]
        narrowest = min([narrowest, *widths])

    leaves = [module for module in network.modules() if not any(module.children())]
    hooks = [leaf.register_forward_hook(measure) for leaf in leaves]
    forward(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    bytes_per_pixel = math.ceil(LAYERS_AT_ONCE * widest / (height * width))
    return bytes_per_pixel, math.ceil(width / narrowest)


def reach(forward: Callable[[Tensor], Tensor], grid: int = GRID) -> int | None:
    """How many pixels away an input pixel changes the output; None if farther than 248 or anywhere.

    Tried with values that are not a number, which no weight and no activation makes disappear. The
    answer holds for every position on the grid of strides, so many pixels apart.
    """
    for length in PROBE_LENGTHS:
        images = torch.zeros(1, 3, max(PROBE_HEIGHT, grid), length)
        first = length // 2 // grid * grid
        behind = first + grid
        images[..., first:behind] = torch.nan
        # Some of cuDNN's algorithms (Winograd, FFT) mix pixels that do not depend on each other.
        with torch.backends.cudnn.flags(enabled=False):
            touched = torch.isnan(forward(images)).any(dim=(0, 1, 2)).nonzero()
        if touched.min() > 0 and touched.max() < length - 1:
            return int(max(first - touched.min(), touched.max() + 1 - behind))
    return None
