"""OpenVINO, on the CPU."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from grids.base import unreported
from grids.base.errors import InputError
from grids.bundle.contents import Bundle
from grids.restoring.runtime import threads
from grids.restoring.runtimes._graphs import Floats, GraphRuntime

openvino = unreported.openvino()

# By our names, OpenVINO's.
PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


def load(bundle: Bundle, device: str, precision: str) -> GraphRuntime:
    """The networks of an export; `auto` is bf16 on CPUs that have instructions for it.

    Raises:
        InputError: `bf16` is asked for, and the CPU has no instructions for it.
    """
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise InputError("this CPU has no instructions for bf16; leave --precision bf16 out")
    if precision == "auto":
        # By itself it takes what the CPU is fastest in; where bf16 is emulated, that is fp32.
        fastest = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
        precision = "bf16" if fastest == openvino.Type.bf16 else "fp32"
    return GraphRuntime("openvino", precision, bundle, partial(Compiled, core, precision))


class Compiled:
    """A graph that was compiled: for any sides, and for those that many images are known to have.

    Compiled for fixed sides, networks are up to 1.6 times as fast, but compiling takes as long as
    some tiles do, and its result as much memory as the weights. So sides are fixed of which many
    are known to come, as tiles of an image do, and the last fixed ones are kept. In bf16 the two
    round differently: which of them computes must not depend on what was computed before. One
    thread computes at a time: requests are not made for more.
    """

    def __init__(self, core: Any, precision: str, file: Path):
        self._core, self._precision = core, precision
        self._graph = core.read_model(file)
        # Two thirds of its nodes only reckon with constants. To compile takes longer with them.
        constants = openvino.passes.Manager()
        constants.register_pass(openvino.passes.ConstantFolding())
        constants.run_passes(self._graph)
        self._free: dict[str, Any] = {}
        self._fixed: Any = None
        self._fixed_shape: tuple[int, ...] = ()
        self._lock = Lock()

    def __call__(self, images: Floats, known: bool, exact: bool) -> Sequence[Floats]:
        """The outputs for an input: see `grids.restoring.runtimes._graphs.Run`."""
        with self._lock:
            if known:
                request = self._of_sides(images.shape)
            else:
                request = self._of_any_sides("fp32" if exact else self._precision)
            # These are copies: the next call overwrites the request's own.
            outputs: Sequence[Floats] = request.infer({"input": images}).to_tuple()
            return outputs

    def _of_any_sides(self, precision: str) -> Any:
        if precision not in self._free:
            self._free[precision] = self._compiled(self._graph, precision)
        return self._free[precision]

    def _of_sides(self, shape: tuple[int, ...]) -> Any:
        if shape != self._fixed_shape:
            # The memory of the last ones is given back first.
            self._fixed, self._fixed_shape = None, ()
            fixed = self._graph.clone()
            fixed.reshape(shape)
            self._fixed, self._fixed_shape = self._compiled(fixed, self._precision), shape
        return self._fixed

    def _compiled(self, graph: Any, precision: str) -> Any:
        options = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
            "INFERENCE_NUM_THREADS": threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        return self._core.compile_model(graph, "CPU", options).create_infer_request()
