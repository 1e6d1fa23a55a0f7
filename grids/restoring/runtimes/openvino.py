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

# Products from which on fixed sides save more than it takes to compile for them: about those of 10
# megapixels by the packaged models, and of a seventh by a Restormer of the paper's sizes.
WORTHWHILE = 4e12


def load(bundle: Bundle, device: str, precision: str) -> GraphRuntime:
    """The networks of an export; `auto` is bf16 on CPUs that have instructions for it.

    Raises:
        InputError: `bf16` is asked for, and the CPU has no instructions for it.
    """
    core = openvino.Core()
    able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bf16" and not able:
        raise InputError("this CPU has no instructions for bf16; write --precision fp32")
    if precision == "auto":
        precision = "bf16" if able else "fp32"
    options: dict[str, str | int] = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        "INFERENCE_NUM_THREADS": threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    return GraphRuntime("openvino", precision, bundle, partial(Compiled, core, options))


class Compiled:
    """A graph that was compiled: for any sides, and for those that come several times in a row.

    Compiled for fixed sides, networks are up to 1.6 times as fast, but compiling takes as long as
    some tiles do, and its result as much memory as the weights. So sides are fixed of which many
    are known to come, as tiles of an image do, or which came in a row until `WORTHWHILE` products
    were asked for; and the last fixed ones are kept. One thread computes at a time: requests are
    not made for more.
    """

    def __init__(self, core: Any, options: dict[str, str | int], file: Path):
        self._core, self._options = core, options
        self._graph = core.read_model(file)
        # Two thirds of its nodes only reckon with constants. To compile takes longer with them.
        constants = openvino.passes.Manager()
        constants.register_pass(openvino.passes.ConstantFolding())
        constants.run_passes(self._graph)
        # A pixel takes about one product for each weight, or fewer where pixels become one.
        self._weights = sum(
            math.prod(node.get_output_shape(0))
            for node in self._graph.get_ops()
            if node.get_type_name() == "Constant"
        )
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
            self._pixels_in_a_row += math.prod(shape[2:])
            many = many or self._pixels_in_a_row * self._weights >= WORTHWHILE
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
