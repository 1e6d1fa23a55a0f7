"""An image of any size through a network: overlapping tiles, as large as memory allows, blended.

The image is cut along lines on the grid of the networks' strides. Each tile reaches over its lines
by a margin, and its result counts up to the lines, around which neighbours may fade into each
other. Two kinds of networks are told apart (see `grids.models.tiles.reach`):

- *Local* ones, where an output pixel depends on a bounded neighbourhood, get that neighbourhood
  as margin. Tiles then give what the whole image gives, up to rounding of the arithmetic.
- *Global* ones, like Restormer and NAFNet, whose channel attention weighs by sums over the whole
  image, sum over the tile instead. No margin mends that: theirs is fixed, and neighbours are
  blended so that no seam shows. The result depends on the size of the tiles; `docs/restore.md` says
  how much.

Arrays in, arrays out: what runs the network is told as a function, and where as a `Place`.
"""

import itertools
import math
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

SHARE_OF_FREE_MEMORY = 0.5

OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "ALLOC_FAILED",
    "unable to find an engine",  # cuDNN, of which none got its workspace
    "could not create a primitive",  # oneDNN
    "could not create a memory",
    "bad_alloc",  # ONNX Runtime and OpenVINO
    "Failed to allocate memory",
)

# (1, 3, h, w) in [0, 1] to a new array of the same shape, nominally in [0, 1].
Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]


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


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of a network says that memory ran out."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in OUT_OF_MEMORY)


@dataclass(frozen=True)
class Place:
    """Where networks run; by default on the CPU.

    Attributes:
        cpu: whether it is a CPU.
        free: bytes that can still be allocated there.
        release: gives back what is held for later use.
    """

    cpu: bool = True
    free: Callable[[], int] = lambda: memory.free()
    release: Callable[[], None] = lambda: None


class Tiler:
    """Restores images of any size in a place, and remembers the size of tiles that fits there.

    Args:
        needs: what the networks ask of their tiles.
        place: where they run.
        tile: side of a tile in pixels; None chooses by the memory that is free.
        say: gets a line when memory has run out and smaller tiles are tried.

    Raises:
        InputError: the tile is too small for the network.
    """

    def __init__(
        self,
        needs: Needs,
        place: Place,
        tile: int | None = None,
        say: Callable[[str], None] = lambda line: None,
    ):
        self._needs, self._place, self._say = needs, place, say
        self._tile = self._chosen(tile)

    def restore(
        self,
        forward: Forward,
        image: np.ndarray,
        progress: Callable[[int], None] = lambda pixels: None,
    ) -> tuple[np.ndarray, int | None]:
        """The restored image, and the side of its tiles or None if it went through whole.

        Args:
            forward: a restorer (1, 3, h, w) → the same shape, both in [0, 1].
            image: (H, W, 3) of uint8 or uint16, of which 255 or 65535 is white.
            progress: gets the pixels done so far; from 0 again if memory has run out.

        Raises:
            InputError: not even the smallest tiles fit into memory.
            NotFiniteError: the network's output is not finite.
        """

        height, width = image.shape[:2]
        # Networks mirror what their strides lack, for which less than a step is not enough.
        lacking = [(0, max(0, self._needs.grid - side)) for side in (height, width)]
        padded = np.pad(image, [*lacking, (0, 0)], "edge") if np.any(lacking) else image
        share = height * width / (padded.shape[0] * padded.shape[1])

        def report(pixels: int) -> None:
            progress(round(share * pixels))

        while True:
            try:
                restored = _tiled(forward, padded, self._tile, self._needs, report)
            except Exception as error:  # runtimes have kinds of their own
                if not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0] or "MemoryError"
            else:
                whole = max(height, width) <= self._tile
                return restored[:height, :width], None if whole else self._tile
            # Outside of the handler, whose traceback would keep all tensors alive.
            self._halve(max(height, width), reason)

    def common_sides(self, height: int, width: int) -> tuple[int, int] | None:
        """Height and width of most tiles of an image, None where it has less than three."""
        rows, columns = (spans(side, self._tile, self._needs) for side in (height, width))
        return (rows[0].end, columns[0].end) if len(rows) * len(columns) > 2 else None

    def _chosen(self, tile: int | None) -> int:
        least, grid = self._needs.smallest, self._needs.grid
        if tile is None:
            budget = SHARE_OF_FREE_MEMORY * self._place.free()
            side = math.isqrt(int(budget / self._needs.bytes_per_pixel))
            local_on_cpu = self._needs.local and self._place.cpu
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
        self._place.release()
        self._say(f"memory ran out with tiles of {tried} pixels; going on with {self._tile}")


@dataclass(frozen=True)
class Span:
    """A tile along one axis: pixels `start` … `end` − 1, and what each counts in the result."""

    start: int
    end: int
    weights: np.ndarray


def spans(length: int, tile: int, needs: Needs) -> list[Span]:
    """Tiles of at most `tile` pixels whose weights sum to one at each of `length` pixels.

    They are equally long, but by what the grid lacks at the end, since runtimes are faster where
    sides stay the same; and no longer than what so many need.
    """
    if length <= tile:
        return [Span(0, length, np.ones(length, np.float32))]
    both = 2 * needs.halo
    count = math.ceil((length - both) / (tile - both))
    side = _on_grid(math.ceil((length - both) / count), needs.grid) + both
    last = _on_grid(length - side, needs.grid)
    steps = [last * index / (count - 1) / needs.grid for index in range(count)]
    starts = [round(step) * needs.grid for step in steps]
    cuts = [start + needs.halo for start in starts]
    spans = []
    for index, start in enumerate(starts):
        end = min(length, start + side)
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
    forward: Forward,
    image: np.ndarray,
    tile: int,
    needs: Needs,
    progress: Callable[[int], None],
) -> np.ndarray:
    """Band by band from top to bottom: beside image and result, one band is held as floats, and
    what goes into two tiles and comes out of them.

    Bands are planes, as networks give them: to add up what lies in the same order is fast.
    """
    height, width = image.shape[:2]
    rows, columns = spans(height, tile, needs), spans(width, tile, needs)
    white = np.iinfo(image.dtype).max
    restored = np.empty_like(image)
    tallest = max(row.end - row.start for row in rows)
    bands = np.empty((3, tallest, width), np.float32)
    carried = bands[:, :0]
    parts = (
        _planes(image[row.start : row.end, column.start : column.end], white)
        for row in rows
        for column in columns
    )
    computed = itertools.count(1)

    def report() -> None:
        progress(next(computed) * height * width // (len(rows) * len(columns)))

    with closing(_one_ahead(forward, parts, report)) as results:
        for index, row in enumerate(rows):
            # In the memory of the one before: that the system gives new memory takes longer.
            band = bands[:, : row.end - row.start]
            band.fill(0)
            for column in columns:
                result = next(results)[0]
                result *= column.weights
                band[..., column.start : column.end] += result
            band *= row.weights[:, None]
            band[:, : carried.shape[1]] += carried
            following = rows[index + 1].start if index + 1 < len(rows) else height
            finished, rest = np.split(band, [following - row.start], axis=1)
            carried = rest.copy()
            if not np.isfinite(finished).all():
                raise NotFiniteError("the network's output is not finite")
            values = np.clip(finished, 0, 1, out=finished)
            values *= white
            np.rint(values, out=values)
            for channel, plane in enumerate(values):
                restored[row.start : following, :, channel] = plane
    return restored


def _one_ahead(
    forward: Forward, parts: Iterator[NDArray[np.float32]], report: Callable[[], None]
) -> Generator[NDArray[np.float32]]:
    """What `forward` makes of each part. The next is computed while the caller works on one.

    Each is reported before the next is begun: what the report raises ends the work at once.
    """
    with ThreadPoolExecutor(1) as beside:
        # Held nowhere else: an error would hold the future that raised it, and both their arrays.
        running = [beside.submit(forward, next(parts))]
        for part in parts:
            done = running.pop().result()
            report()
            running.append(beside.submit(forward, part))
            yield done
        done = running.pop().result()
        report()
        yield done


def _planes(part: np.ndarray, white: int) -> NDArray[np.float32]:
    """(h, w, 3) → (1, 3, h, w) in [0, 1]."""
    planes: NDArray[np.float32] = np.divide(part, white, dtype=np.float32)
    return planes.transpose(2, 0, 1)[None]


def _on_grid(pixels: int, grid: int) -> int:
    return math.ceil(pixels / grid) * grid
