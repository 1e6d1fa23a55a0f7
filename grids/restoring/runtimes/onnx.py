"""ONNX Runtime, on the CPU."""

from collections.abc import Sequence
from pathlib import Path

from grids.base import unreported
from grids.base.errors import InputError
from grids.bundle.contents import Bundle
from grids.restoring.runtime import threads
from grids.restoring.runtimes._graphs import Floats, GraphRuntime, Run

onnxruntime = unreported.onnxruntime()

ERRORS_ONLY = 3


def load(bundle: Bundle, device: str, precision: str) -> GraphRuntime:
    """The networks of an export, in fp32.

    Raises:
        InputError: `bf16` is asked for.
    """
    if precision == "bf16":
        raise InputError(
            "the runtime onnx multiplies in fp32 alone; for --precision bf16: "
            "--runtime openvino or torch"
        )
    return GraphRuntime("onnx", "fp32", bundle, _opened)


def _opened(file: Path) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(images: Floats, known: bool, exact: bool) -> Sequence[Floats]:
        outputs: Sequence[Floats] = session.run(None, {"input": images})
        return outputs

    return run
