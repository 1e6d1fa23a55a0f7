"""OpenVINO, on the CPU."""

import math
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

from grids.base import unreported
from grids.base.errors import InputError
from grids.bundle.contents import Bundle
from grids.restoring.runtime import threads
from grids.restoring.runtimes._graphs import Floats, GraphRuntime

openvino = unreported.openvino()

# By our names, OpenVINO's. Without a word it takes what the CPU is fastest in.
PRECISIONS = {"fp32": "f32", "bf16": "bf16"}

# The packaged models are compiled in the time of 0.7 megapixels, and fixed sides save about a
# twelfth.
WORTHWHILE = 10_000_000


def load(bundle: Bundle, device: str, precision: str) -> GraphRuntime:
    """The networks of an export.

    Raises:
        InputError: `bf16` is asked for, and the CPU has no instructions for it.
    """
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise InputError("this CPU has no instructions for bf16; write --precision fp32")
    options: dict[str, str | int] = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        "INFERENCE_NUM_THREADS": threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    return GraphRuntime("openvino", bundle, partial(Compiled, core, options))


class Compiled:
    """A graph that was compiled: for any sides, and for those that come several times in a row.

    Compiled for fixed sides, networks are up to 1.2 times as fast, but compiling takes as long as
    some tiles do, and its result as much memory as the weights. So sides are fixed of which many
    are known to come, as tiles of an image do, or of which came `WORTHWHILE` pixels in a row; and
    the last fixed ones are kept. One thread computes at a time: requests are not made for more.
    """

    def __init__(self, core: Any, options: dict[str, str | int], file: Path):
        self._core, self._options = core, options
        self._graph = core.read_model(file)
        # Two thirds of its nodes only reckon with constants. To compile takes longer with them.
        constants = openvino.passes.Manager()
        constants.register_pass(openvino.passes.ConstantFolding())
        constants.run_passes(self._graph)
        self._fixed: Any = None
        self._fixed_shape: tuple[int, ...] = ()
        self._last_shape: tuple[int, ...] = ()
        self._pixels_in_a_row = 0
        self._lock = Lock()

    def __call__(self, images: Floats, many: bool) -> Sequence[Floats]:
        """The outputs for an input, of whose sides many are known to come or not."""
        shape = images.shape
        with self._lock:
            if shape != self._last_shape:
                self._last_shape, self._pixels_in_a_row = shape, 0
            many = many or self._pixels_in_a_row >= WORTHWHILE
            self._pixels_in_a_row += math.prod(shape[2:])
            if many and shape != self._fixed_shape:
                fixed = self._graph.clone()
                fixed.reshape(shape)
                self._fixed, self._fixed_shape = self._compiled(fixed), shape
            request = self._fixed if shape == self._fixed_shape and self._fixed else self._free
            # These are copies: the next call overwrites the request's own.
            outputs: Sequence[Floats] = request.infer({"input": images}).to_tuple()
            return outputs

    @cached_property
    def _free(self) -> Any:
        return self._compiled(self._graph)

    def _compiled(self, graph: Any) -> Any:
        return self._core.compile_model(graph, "CPU", self._options).create_infer_request()
