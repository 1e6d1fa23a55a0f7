"""A restorer on an image of any size: overlapping tiles, as large as memory allows, blended.

The image is cut along lines on the grid of the networks' strides. Each tile reaches over its lines
by a margin, and its result counts up to the lines, around which neighbours may fade into each
other. Two kinds of networks are told apart by trying (see `reach`):

- *Local* ones, where an output pixel depends on a bounded neighbourhood, get that neighbourhood
  as margin. Tiles then give what the whole image gives, up to rounding of the arithmetic.
- *Global* ones, like Restormer and NAFNet, whose channel attention weighs by sums over the whole
  image, sum over the tile instead. No margin mends that: theirs is fixed, and neighbours are
  blended so that no seam shows. The result depends on the size of the tiles; `docs/restore.md` says
  how much.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grids.base.errors import InputError, NotFiniteError
from grids.models import memory

# A tile's pixels lie on the same grid of strides as the whole image's. This is the finest; networks
# with strides that do not divide it get a coarser one.
GRID = 8

# On a CPU, large tiles leave its caches: local networks are 1.3 times as fast in tiles of 512 as on
# the whole image (benchmarks/inference.py). The larger the tiles of global networks are, the nearer
# is the result to that of the whole image.
LARGEST = 1024
LARGEST_LOCAL_ON_CPU = 512

GLOBAL_MARGIN = 32
GLOBAL_BLEND = 32

# What a network holds at its peak, in multiples of the input and output of its widest layer.
LAYERS_AT_ONCE = 3
SHARE_OF_FREE_MEMORY = 0.5

# A network with strides above 64 would need a larger one. 3 divides it, for strides like 12.
PROBE = (32, 192)
PROBE_HEIGHT = 16
PROBE_LENGTHS = (128, 512)

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}

OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "ALLOC_FAILED",
    "unable to find an engine",  # cuDNN, of which none got its workspace
    "could not create a primitive",  # oneDNN
    "could not create a memory",
)


@dataclass(frozen=True)
class Needs:
    """What a network asks of its tiles.

    Attributes:
        margin: pixels by which a tile reaches over a cut.
        blend: width in pixels of the transition around a cut, 1 for none.
        bytes_per_pixel: upper bound of the memory that a pixel of a tile takes.
        grid: every tile starts at a multiple of so many pixels, which the strides divide.
    """

    margin: int
    blend: int
    bytes_per_pixel: int
    grid: int = GRID

    @property
    def local(self) -> bool:
        return self.blend == 1

    @property
    def halo(self) -> int:
        """Pixels of a tile behind a cut, on the grid."""
        return _on_grid(self.margin + self.blend // 2, self.grid)

    @property
    def smallest(self) -> int:
        """Side of the smallest tile that leaves something between two cuts."""
        return 2 * self.halo + 2 * self.grid


class Tiler:
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
        self._device, self._precision, self._say = device, PRECISIONS[precision], say
        self._needs = needs(lambda images: self._forward(network, images), network)
        self._tile = self._chosen(tile)

    def restore(
        self,
        network: nn.Module,
        image: np.ndarray,
        progress: Callable[[int], None] = lambda pixels: None,
    ) -> tuple[np.ndarray, int | None]:
        """The restored image, and the side of its tiles or None if it went through whole.

        Args:
            network: a restorer (1, 3, h, w) → the same shape, both in [0, 1].
            image: (H, W, 3) of uint8 or uint16, of which 255 or 65535 is white.
            progress: gets the pixels done so far; from 0 again if memory has run out.

        Raises:
            InputError: not even the smallest tiles fit into memory.
            NotFiniteError: the network's output is not finite.
        """

        def forward(images: Tensor) -> Tensor:
            return self._forward(network, images)

        height, width = image.shape[:2]
        # Networks mirror what their strides lack, for which less than a step is not enough.
        lacking = [(0, max(0, self._needs.grid - side)) for side in (height, width)]
        padded = np.pad(image, [*lacking, (0, 0)], "edge") if np.any(lacking) else image
        while True:
            try:
                restored = _tiled(forward, padded, self._tile, self._needs, progress)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0] or "MemoryError"
            else:
                whole = max(height, width) <= self._tile
                return restored[:height, :width], None if whole else self._tile
            # Outside of the handler, whose traceback would keep all tensors alive.
            self._halve(max(height, width), reason)

    def _forward(self, network: nn.Module, images: Tensor) -> Tensor:
        """(1, 3, h, w) in [0, 1] → the same on the CPU, in float32."""
        images = images.to(self._device).contiguous(memory_format=torch.channels_last)
        reduced = self._precision != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, self._precision, enabled=reduced),
        ):
            restored: Tensor = network(images).float().cpu()
            return restored

    def _chosen(self, tile: int | None) -> int:
        least, grid = self._needs.smallest, self._needs.grid
        if tile is None:
            budget = SHARE_OF_FREE_MEMORY * memory.free(self._device)
            side = math.isqrt(int(budget / self._needs.bytes_per_pixel))
            local_on_cpu = self._needs.local and self._device.type == "cpu"
            largest = LARGEST_LOCAL_ON_CPU if local_on_cpu else LARGEST
            return max(least, min(largest, side) // grid * grid)
        if tile < least:
            raise InputError(f"tiles of {tile} pixels: this network needs {least} at least")
        return tile // grid * grid

    def _halve(self, longest: int, reason: str) -> None:
        grid = self._needs.grid
        tried = min(self._tile, _on_grid(longest, grid))
        if tried <= self._needs.smallest:
            raise InputError(f"not even tiles of {tried} pixels fit into memory ({reason})")
        self._tile = max(self._needs.smallest, tried // 2 // grid * grid)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._say(f"memory ran out with tiles of {tried} pixels; going on with {self._tile}")


def needs(forward: Callable[[Tensor], Tensor], network: nn.Module) -> Needs:
    """Finds out what `network` asks of its tiles, from thin images that `forward` sends through."""
    bytes_per_pixel, grid = measured(forward, network)
    margin = reach(forward, grid)
    if margin is None:
        return Needs(GLOBAL_MARGIN, GLOBAL_BLEND, bytes_per_pixel, grid)
    return Needs(margin, 1, bytes_per_pixel, grid)


def measured(forward: Callable[[Tensor], Tensor], network: nn.Module) -> tuple[int, int]:
    """About the memory that a pixel takes at the network's peak; the grid of its strides."""
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
    return bytes_per_pixel, math.lcm(GRID, math.ceil(width / narrowest))


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


@dataclass(frozen=True)
class Span:
    """A tile along one axis: pixels `start` … `end` − 1, and what each counts in the result."""

    start: int
    end: int
    weights: np.ndarray


def _spans(length: int, tile: int, needs: Needs) -> list[Span]:
    """Tiles of at most `tile` pixels whose weights sum to one at each of `length` pixels."""
    if length <= tile:
        return [Span(0, length, np.ones(length, np.float32))]
    # The last term is what rounding to the grid can add.
    count = math.ceil(length / (tile - 2 * needs.halo - needs.grid))
    cuts = [round(length * i / count / needs.grid) * needs.grid for i in range(count)] + [length]
    spans = []
    for index in range(count):
        start = max(0, cuts[index] - needs.halo)
        end = min(length, cuts[index + 1] + needs.halo)
        pixels = np.arange(start, end)
        weights = np.ones(end - start, np.float32)
        if index > 0:
            weights *= _rise(pixels - cuts[index], needs.blend)
        if index < count - 1:
            weights -= _rise(pixels - cuts[index + 1], needs.blend)
        spans.append(Span(start, end, weights))
    return spans


def _rise(distance: np.ndarray, blend: int) -> np.ndarray:
    """From 0 in front of a cut to 1 behind it, over `blend` pixels."""
    return np.clip((distance + 0.5) / blend + 0.5, 0, 1).astype(np.float32)


def _tiled(
    forward: Callable[[Tensor], Tensor],
    image: np.ndarray,
    tile: int,
    needs: Needs,
    progress: Callable[[int], None],
) -> np.ndarray:
    """Band by band from top to bottom: beside image and result, one band is held as floats."""
    height, width = image.shape[:2]
    rows, columns = _spans(height, tile, needs), _spans(width, tile, needs)
    white = np.iinfo(image.dtype).max
    restored = np.empty_like(image)
    carried = np.zeros((0, width, 3), np.float32)
    for index, row in enumerate(rows):
        band = np.zeros((row.end - row.start, width, 3), np.float32)
        for number, column in enumerate(columns, 1):
            part = image[row.start : row.end, column.start : column.end]
            result = forward(_to_tensor(part, white))[0].permute(1, 2, 0).numpy()
            band[:, column.start : column.end] += result * column.weights[:, None]
            tiles_done = index * len(columns) + number
            progress(tiles_done * height * width // (len(rows) * len(columns)))
        band *= row.weights[:, None, None]
        band[: len(carried)] += carried
        following = rows[index + 1].start if index + 1 < len(rows) else height
        finished, carried = np.split(band, [following - row.start])
        if not np.isfinite(finished).all():
            raise NotFiniteError("the network's output is not finite")
        restored[row.start : following] = np.rint(finished.clip(0, 1) * white)
    return restored


def _to_tensor(part: np.ndarray, white: int) -> Tensor:
    """(h, w, 3) → (1, 3, h, w) in [0, 1]."""
    return torch.from_numpy(part.astype(np.float32) / white).permute(2, 0, 1)[None]


def _on_grid(pixels: int, grid: int) -> int:
    return math.ceil(pixels / grid) * grid


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of a network says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(sign in str(error) for sign in OUT_OF_MEMORY)
