"""torch: the networks as they were trained, from their weights."""

from functools import cache, cached_property

import torch
from torch import nn

from grids.bundle.contents import Bundle
from grids.models import devices, restorers, tiles
from grids.models.tiling import Forward, Needs
from grids.restoring.runtime import threads


class Torch:
    """See `grids.restoring.runtime.Runtime`."""

    name = "torch"

    def __init__(self, bundle: Bundle, device: torch.device, precision: str):
        self._bundle, self._device, self.precision = bundle, device, precision
        self._read = cache(self._network)
        self.place = tiles.place(device)

    @cached_property
    def needs(self) -> Needs:
        network = self._read(self._bundle.groups[0])
        return tiles.needs(tiles.of_tensors(network, self._device, self.precision), network)

    def network(self, group: str, sides: tuple[int, int] | None = None) -> Forward:
        return tiles.of_arrays(self._read(group), self._device, self.precision)

    def trial(self, group: str) -> Forward:
        return tiles.of_arrays(self._read(group), self._device)

    def _network(self, group: str) -> nn.Module:
        bundle = self._bundle
        return restorers.read(bundle.weights(group), bundle.backbone, bundle.sizes, self._device)


def load(bundle: Bundle, device: str, precision: str) -> Torch:
    """The networks of an export on a device; `auto` is fp32.

    Raises:
        InputError: the device is not there.
    """
    if precision == "auto":
        precision = "fp32"
    return Torch(bundle, devices.use(device, threads()), precision)
