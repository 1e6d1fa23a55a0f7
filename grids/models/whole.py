"""A restorer on whole images as long as memory holds them, in tiles beyond."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from grids.models import tiles, tiling
from grids.models.restorers import restore
from grids.pixels.arrays import to_bytes

# What is estimated of an image's memory and what it took differed by up to a tenth, on a CPU, where
# a process that takes too much is killed. A GPU says that it has too little, so there it is tried.
SHARE_OF_FREE_MEMORY = 0.9


class WholeRestorer:
    """Restores images whole where memory holds them: then tiles change no pixel of any.

    Args:
        network: a restorer on the device, in evaluation mode.
        device: where it runs.
        say: gets a line when memory has run out.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        say: Callable[[str], None] = lambda line: None,
    ):
        self._network, self._device, self._say = network, device, say
        self._place = tiles.place(device)
        # Pixels of the smallest image that memory did not hold.
        self._too_many = float("inf")

    def restore(self, image: Tensor) -> tuple[np.ndarray, int | None]:
        """The restored image as (h, w, 3) uint8, and the side of its tiles or None if it was whole.

        Args:
            image: (1, 3, h, w), multiples of 1/255.
        """
        height, width = image.shape[-2:]
        pixels = height * width
        if self._holds(pixels):
            try:
                return to_bytes(restore(self._network, image, self._device))[0], None
            except (MemoryError, RuntimeError) as error:
                if not tiling.is_out_of_memory(error):
                    raise
            self._too_many = pixels
            self._place.release()
            self._say(f"memory does not hold {width}×{height} pixels at once; in tiles")
        forward = tiles.of_arrays(self._network, self._device)
        return self._tiler.restore(forward, to_bytes(image)[0])

    def _holds(self, pixels: int) -> bool:
        if pixels >= self._too_many:
            return False
        if not self._place.cpu:
            return True
        free = SHARE_OF_FREE_MEMORY * self._place.free()
        return pixels * self._bytes_per_pixel <= free

    @cached_property
    def _bytes_per_pixel(self) -> int:
        def forward(images: Tensor) -> Tensor:
            return restore(self._network, images, self._device)

        return tiles.measured(forward, self._network)[0]

    @cached_property
    def _tiler(self) -> tiles.Tiler:
        return tiles.Tiler(self._network, self._device, say=self._say)
