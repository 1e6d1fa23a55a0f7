"""The runtime that runs the networks of an export, chosen by name and loaded only then."""

import importlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from grids.base.errors import InputError
from grids.bundle.contents import Bundle
from grids.models.tiling import Forward, Needs, Place

# By preference on a CPU (docs/restore.md says how fast they are), with the library of each.
LIBRARIES = {"openvino": "openvino", "onnx": "onnxruntime", "torch": "torch"}
NAMES = ("auto", *LIBRARIES)
# Where the driver of an NVIDIA GPU says its version.
DRIVER = Path("/proc/driver/nvidia/version")


class Runtime(Protocol):
    """Networks of an export, ready to run.

    Attributes:
        name: one of `NAMES`.
        precision: `fp32`, or `bf16` for products in bfloat16.
        place: where they run.
        needs: what the models ask of their tiles.
    """

    name: str
    precision: str
    place: Place

    @property
    def needs(self) -> Needs: ...

    def network(self, group: str, sides: tuple[int, int] | None = None) -> Forward:
        """The model of a group, or `mix`.

        Args:
            group: whose model.
            sides: height and width that most images will have, where that is known.
        """

    def trial(self, group: str) -> Forward:
        """The same to try on a window of a photograph: in fp32, by which the choice was fitted."""


def choose(name: str, bundle: Bundle, device: str = "auto", precision: str = "fp32") -> Runtime:
    """The runtime of that name for an export.

    Args:
        name: one of `NAMES`; `auto` is torch where there is a GPU for it, else the first that is
            installed and can do what is asked for.
        bundle: the export.
        device: `auto`, `cpu` or `cuda`.
        precision: `fp32`, `bf16`, or `auto` for the faster one of those that change little:
            bf16 by OpenVINO where the CPU has instructions for it, else fp32.

    Raises:
        InputError: it is not installed, or it cannot do what is asked for; for `auto`, none can.
    """
    if name != "auto":
        return _loaded(name, bundle, device, precision)
    gpu = device == "cuda" or (device == "auto" and DRIVER.exists() and _installed("torch"))
    reasons = []
    for candidate in ("torch",) if gpu else LIBRARIES:
        try:
            return _loaded(candidate, bundle, device, precision)
        except InputError as error:
            reasons.append(f"{candidate}: {error}")
    raise InputError(f"no runtime can restore here ({'; '.join(reasons)})")


def threads() -> int:
    """How many threads to compute with: what the environment says, else one for each free core."""
    stated = os.environ.get("OMP_NUM_THREADS", "")
    return int(stated) if stated.isdecimal() and int(stated) else len(os.sched_getaffinity(0))


def _loaded(name: str, bundle: Bundle, device: str, precision: str) -> Runtime:
    if not _installed(name):
        raise InputError(f"the runtime {name} is not installed: pip install {LIBRARIES[name]}")
    if name != "torch" and device == "cuda":
        raise InputError(f"the runtime {name} runs on the CPU; for --device cuda: --runtime torch")
    if name != "torch" and bundle.graphs is None:
        raise InputError(
            f"{bundle.folder}: holds no ONNX models, which the runtime {name} needs; "
            "export again, or write --runtime torch"
        )
    module = importlib.import_module(f"grids.restoring.runtimes.{name}")
    runtime: Runtime = module.load(bundle, device, precision)
    return runtime


def _installed(name: str) -> bool:
    return find_spec(LIBRARIES[name]) is not None
