"""How the command ends, whichever subcommand runs and whatever happens."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from grids.base import printing
from grids.base.errors import InputError

INTERRUPTED = 130
# By extra of pyproject.toml, what it brings of the modules that GRIDS imports.
EXTRAS = {
    "openvino": ("openvino",),
    "page": ("starlette", "uvicorn"),
    "sift": ("cv2",),
    "workflow": (
        "matplotlib",
        "onnx",
        "onnx_ir",
        "onnxruntime",
        "onnxscript",
        "pandas",
        "pyarrow",
        "pydantic",
        "scipy",
        "skimage",
        "snakemake",
        "torch",
        "yaml",
    ),
}


def exit_status(run: Callable[[], int | None]) -> int:
    """Runs a subcommand, and says how it ended.

    A mistake of the user is one line on standard error, and status 1; so is a package that an extra
    brings and that is not installed. An interrupt is status 130.
    """
    printing.never_fails()
    try:
        with _interrupts_as_such():
            done = run() or 0
            sys.stdout.flush()
        return done
    except InputError as error:
        lines = "\n".join(map(printing.on_one_line, str(error).split("\n")))
        print(f"error: {lines}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        extra = next((extra for extra, names in EXTRAS.items() if error.name in names), None)
        if extra is None:  # It lacks a module of ours, or of another package: a fault.
            raise
        print(
            f"error: {error.name} is not installed; pip install 'grids[{extra}]'", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. Python would flush once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def require_module(name: str) -> None:
    """Raises ModuleNotFoundError, which `exit_status` tells, unless a module is installed.

    For modules that are started as processes: these would say less.
    """
    if find_spec(name) is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextmanager
def _interrupts_as_such() -> Iterator[None]:
    """An `ImportError` that an interrupt ends in is a `KeyboardInterrupt`.

    C code that imports, as NumPy's does, makes the one of the other, and tells nothing of it.
    """
    came = []

    def note(number: int, frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    # Other threads may set none, and who ignores interrupts, as nohup does, means it.
    ours = (
        before is signal.default_int_handler
        and threading.current_thread() is threading.main_thread()
    )
    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    except ImportError:
        if came:
            raise KeyboardInterrupt from None
        raise
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
