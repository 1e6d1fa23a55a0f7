"""Weights and procedures that a configuration names, tried on their networks."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.configuration.settings import Settings


def check(settings: Settings) -> None:
    """Tries weights and procedures on their networks, in a process that loads torch.

    Raises:
        InputError: names the key or the file and what does not fit.
    """
    given = [*_released(settings), *_starts(settings), *_described(settings), *_taught(settings)]
    if not given:
        return
    # As `grids.training.tried` takes them.
    tried = subprocess.run(
        [sys.executable, "-m", "grids.training.tried", json.dumps(given)],
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        raise InputError(tried.stderr.strip().rpartition("\n")[2])


def _released(settings: Settings) -> Iterator[list[Any]]:
    for name, place in settings.released().items():
        built = settings.network(name), settings.sizes(name)
        yield [f"backbones.{name}.weights", "released", *built, place.file, place.key]


def _starts(settings: Settings) -> Iterator[list[Any]]:
    start = settings.training.start
    if Path(start).is_file():
        for name in settings.beginning():
            built = settings.network(name), settings.sizes(name)
            yield [f"training.start, for {name}", "start", *built, start]


def _described(settings: Settings) -> Iterator[list[Any]]:
    for network in settings.descriptor.networks():
        path = settings.descriptor.path_of(network)
        if settings.descriptor.weights_of(network) not in ("packaged", "trained", ""):
            key = "descriptor.vgg.weights" if network == "vgg" else "descriptor.weights"
            yield [key, "descriptor", network, str(path)]


def _taught(settings: Settings) -> Iterator[list[Any]]:
    """Procedures that have options, for each of the largest groups of their networks."""
    training = settings.training
    for name in settings.trained():
        procedure = settings.procedure(name)
        if options := settings.procedure_options(procedure):
            built = settings.network(name), settings.sizes(name)
            options |= settings.procedure_files(procedure)
            task = {"iterations": training.steps_of(name), "batch": training.batch}
            for group in settings.trained_on(name):
                shares = training.sampling(group)["weights"]
                of = task | {"degradations": group}
                yield ["", "procedure", *built, procedure, options, of, shares]
