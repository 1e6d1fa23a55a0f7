"""The file of a fitted choice: its arrays, and what they are in the metadata."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from grids.base.errors import InputError
from grids.base.files import appearing

Arrays = dict[str, NDArray[np.float64]]
# Most of a file are weights of the networks and the views that gains are told by. Half precision is
# enough for these (docs/selection.md).
HALVED = {"first", "second", "output", "gain_points"}


def save(path: Path, arrays: Arrays, about: dict[str, Any]) -> None:
    """Writes arrays, those of a rule; `about` (JSON-able) becomes the metadata entry `grids`.

    Numbers of double precision become those of single precision, or of half precision for `HALVED`.
    """
    plain = {}
    for name, array in arrays.items():
        shorter = np.float16 if name in HALVED else np.float32
        plain[name] = np.ascontiguousarray(array, shorter if array.dtype == np.float64 else None)
    with appearing(path) as temporary:
        save_file(plain, temporary, {"grids": json.dumps(about, sort_keys=True)})


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """The arrays, numbers in double precision, and what they are.

    Raises:
        InputError: the file is missing or broken.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = json.loads((file.metadata() or {})["grids"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a selector ({error}); make it again") from None
    arrays = {
        name: array.astype(np.float64) if array.dtype in (np.float16, np.float32) else array
        for name, array in stored.items()
    }
    return arrays, about
