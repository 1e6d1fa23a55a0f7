"""Networks of restorers, and the procedures that train them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grids.base.errors import InputError
from grids.base.plugins import constant_of, names_in, options_of, require_known
from grids.configuration import mistakes
from grids.configuration.checks._shared import check_name, check_option, require_there
from grids.configuration.settings import OF_AN_ENTRY, PROCEDURES, Released, Settings


def check(settings: Settings) -> None:
    """Every network has its options, and a procedure that trains it."""
    _check_backbones(settings)
    _check_procedures(settings)


def _check_backbones(settings: Settings) -> None:
    modules = names_in("backbones")
    for name, sizes in settings.backbones.items():
        if "network" not in sizes:
            require_known(name, modules, "backbone")
        network = settings.network(name)
        require_known(network, modules, f"network in backbones.{name}")
        check_name("backbones", name)
        if name in modules and name != network:
            raise InputError(
                f"backbones.{name}.network: {name} is a network itself; call an entry of {network} "
                "by another name"
            )
        options = options_of("backbones", network)
        any_length = constant_of("backbones", network, "ANY_LENGTH") or []
        if "weights" in sizes:
            _check_weights(name, sizes["weights"], settings)
        for option in (key for key in sizes if key not in OF_AN_ENTRY):
            require_known(option, options, f"option of backbones.{name}")
            key = f"backbones.{name}.{option}"
            check_option(key, sizes[option], options[option], option in any_length)


def _check_weights(name: str, given: Any, settings: Settings) -> None:
    """Weights that are given are a file, and no search is to train their network."""
    key = f"backbones.{name}.weights"
    if not isinstance(given, str | Mapping):
        raise InputError(f"{key}: must be a path, or have file and key, got {given!r}")
    try:
        file = Released.given_as(given).file
    except ValidationError as error:
        raise InputError(f"{key}.{mistakes.first(error, Released)}") from None
    if not Path(file).is_file():
        raise InputError(f"{key}: {file}: no such file")
    if name == settings.search.backbone:
        raise InputError(
            f"search.backbone: {name} is not trained, it has weights; name one that is"
        )


def _check_procedures(settings: Settings) -> None:
    for name, given in settings.procedures.items():
        require_known(name, names_in(PROCEDURES), "procedure")
        options = options_of(PROCEDURES, name)
        for option, value in given.items():
            require_known(option, options, f"option of procedures.{name}")
            check_option(f"procedures.{name}.{option}", value, options[option])
            if isinstance(value, dict):
                for degradation in value:
                    known = {*names_in("degradations"), *settings.degradations}
                    require_known(degradation, known, f"degradation in procedures.{name}.{option}")
        for option, path in settings.procedure_files(name).items():
            if path and not Path(path).is_file():
                raise InputError(f"procedures.{name}.{option}: {path}: no such file")
    if isinstance(settings.training.procedure, dict):
        for backbone in settings.training.procedure:
            require_there(backbone, settings.backbones, "backbones", "training.procedure")
    for backbone in settings.trained():
        name = settings.procedure(backbone)
        require_known(name, names_in(PROCEDURES), "procedure in training.procedure")
        networks = constant_of(PROCEDURES, name, "NETWORKS")
        network = settings.network(backbone)
        if networks and network not in networks:
            raise InputError(
                f"training.procedure: {name} trains {' and '.join(networks)}, not {network}; give "
                f"{backbone} another, as in {{{backbone}: l1}}, or take it out of backbones"
            )
        if settings.execution.accumulation > 1 and constant_of(PROCEDURES, name, "ONE_PART"):
            raise InputError(
                f"training.procedure: {name}, of {backbone}, normalises over a batch, which no "
                "process works through in parts; write execution.accumulation: 1, with more "
                "execution.processes, or l1"
            )
