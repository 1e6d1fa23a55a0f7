"""What runtimes of ONNX files have in common: all but how a file is opened."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grids.bundle.contents import Bundle
from grids.models.tiling import Forward, Needs, Place

Floats = NDArray[np.float32]
# A file that was opened: from its input, whether many are known to have these sides, and whether
# products are to be those of fp32 in any case, to its outputs.
Run = Callable[[Floats, bool, bool], Sequence[Floats]]


class GraphRuntime:
    """See `grids.restoring.runtime.Runtime`.

    Args:
        name: the runtime's.
        precision: `fp32` or `bf16`, in which `opened` has it multiply.
        bundle: an export with graphs.
        opened: reads an ONNX file.
    """

    def __init__(self, name: str, precision: str, bundle: Bundle, opened: Callable[[Path], Run]):
        assert bundle.graphs is not None
        self.name, self.precision, self.place = name, precision, Place()
        self.needs = Needs(**bundle.graphs.needs)
        self._graphs = bundle.graphs
        self._opened = cache(opened)

    def network(self, group: str, sides: tuple[int, int] | None = None) -> Forward:
        run = self._opened(self._graphs.models[group])
        return lambda images: run(images, images.shape[2:] == sides, False)[0]

    def trial(self, group: str) -> Forward:
        run = self._opened(self._graphs.models[group])
        return lambda images: run(images, False, True)[0]
