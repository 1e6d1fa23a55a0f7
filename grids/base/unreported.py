"""Libraries that tell their makers who uses them, imported so that they do not.

That somebody restores photographs is nobody else's business. They are imported here alone.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def onnxruntime() -> ModuleType:
    """ONNX Runtime, which from 1.29 on reports each session to Microsoft where it is not told.

    It asks the environment once, as long as the process lives. Who set the variable is obeyed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    module: ModuleType = onnxruntime
    return module


def openvino() -> ModuleType:
    """OpenVINO without its converter of models, which reports each import to Google Analytics.

    It is imported by the package where there is one; nothing is converted here.
    """
    with _absent("openvino.tools.ovc"):
        import openvino
        import openvino.passes

    module: ModuleType = openvino
    return module


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """As if a module were not installed, unless it was imported before."""
    known = name in sys.modules
    if not known:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not known:
            del sys.modules[name]
