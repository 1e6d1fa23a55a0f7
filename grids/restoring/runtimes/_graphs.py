"""What runtimes of ONNX files have in common: all but how a file is opened."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grids.bundle.contents import Bundle
from grids.models.tiling import Forward, Needs, Place
from grids.selection.describer import Describer, Descriptor

Floats = NDArray[np.float32]
# A file that was opened: from its input to its outputs, which the next call may overwrite.
Run = Callable[[Floats], Sequence[Floats]]


class GraphRuntime:
    """See `grids.restoring.runtime.Runtime`.

    Args:
        name: the runtime's.
        bundle: an export with graphs.
        opened: reads an ONNX file.
    """

    def __init__(self, name: str, bundle: Bundle, opened: Callable[[Path], Run]):
        assert bundle.graphs is not None
        self.name, self.place = name, Place()
        self.needs = Needs(**bundle.graphs.needs)
        self._graphs, self._describing = bundle.graphs, bundle.describing
        self._opened = cache(opened)

    def network(self, group: str) -> Forward:
        run = self._opened(self._graphs.models[group])
        return lambda images: run(images)[0]

    def describer(self) -> Describer:
        # The graph is that of the layer already.
        rest = {name: value for name, value in self._describing.items() if name != "layer"}
        return Describer(_patchwise(self._opened(self._graphs.descriptor)), **rest)


def _patchwise(run: Run) -> Descriptor:
    """A descriptor's graph, which takes one patch, on the patches of a photograph."""

    def descriptor(patches: Floats, law: bool) -> tuple[Sequence[Floats], Floats | None]:
        parts = [[output.copy() for output in run(patch[None])] for patch in patches]
        *seen, features = (np.concatenate(outputs) for outputs in zip(*parts, strict=True))
        return seen, features if law else None

    return descriptor
