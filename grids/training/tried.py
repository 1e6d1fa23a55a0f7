"""Whether weights and procedures fit their networks, found out before any job.

`python -m grids.training.tried JSON` tries them, and prints the first that does not fit: the
workflow asks it, which does not load torch itself.
"""

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from grids.base.errors import InputError
from grids.models import restorers, weights
from grids.models.released import Undrawn, adopt
from grids.training.procedure import Task, build
from grids.training.restoration_batches import restoration

Sizes = Mapping[str, Any]


def released(backbone: str, sizes: Sizes, file: str, key: str) -> None:
    """Weights that take the place of a training."""
    adopt(backbone, sizes, file, key)


def start(backbone: str, sizes: Sizes, file: str) -> None:
    """Weights that a training begins with."""
    weights.load(restorers.build(backbone, dict(sizes)), Path(file))


def descriptor(network: str, file: str) -> None:
    """Weights of a network whose features are taken."""
    importlib.import_module(f"grids.descriptors.{network}").load(Path(file))


def procedure(
    backbone: str,
    sizes: Sizes,
    name: str,
    options: Mapping[str, Any],
    task: Mapping[str, Any],
    shares: Mapping[str, float],
) -> None:
    """A procedure, with batches of these shares; without memory for the network's weights.

    Args:
        backbone, sizes: the network's module and its options.
        name, options: of the procedure.
        task: fields of `Task`.
        shares: of the degradations.
    """
    with torch.device("meta"), Undrawn():
        network = restorers.build(backbone, dict(sizes))
        made = build(name, network, Task(say=lambda line: None, **task), options)
    group: dict[str, dict[str, Any]] = {degradation: {} for degradation in shares}
    of: dict[str, Any] = {"patch": 1, "seed": 0, "device": torch.device("cpu")}
    restoration([], group, weights=shares, contents=made.contents, **of)


TRIED = {tried.__name__: tried for tried in (released, start, descriptor, procedure)}


def main(arguments: str) -> None:
    """Tries `[[key, kind, argument, …], …]` and ends with the first that raises an InputError.

    Each `kind` is a function of `TRIED`. The key of the configuration stands before what is said,
    unless it is empty, for those who name keys themselves.
    """
    entries: Sequence[Sequence[Any]] = json.loads(arguments)
    for key, kind, *given in entries:
        try:
            TRIED[kind](*given)
        except InputError as error:
            sys.exit(f"{key}: {error}" if key else str(error))


if __name__ == "__main__":
    main(sys.argv[1])
