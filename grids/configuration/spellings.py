"""How people write what they ask a cluster for, as types of a setting."""

import re
import shlex
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from grids.base.errors import InputError
from grids.base.times import minutes

UNITS = {"": 1, "MB": 1, "GB": 1000, "TB": 1000**2}
UNITS |= {f"{unit}{b}": 1024**i for i, unit in enumerate("MGT") for b in ("", "IB")}

# What has a key of its own, by sbatch's names for it.
KEYS = {
    "account": ("--account", "-A"),
    "partition": ("--partition", "-p"),
    "qos": ("--qos", "-q"),
    "constraint": ("--constraint", "-C"),
    "reservation": ("--reservation",),
    "exclude": ("--exclude", "-x"),
    "gres": ("--gres",),
    "mem_mb": ("--mem",),
    "runtime": ("--time", "-t"),
    "gpus": ("--gpus", "-G"),
    "nodes": ("--nodes", "-N"),
    "execution.threads": ("--cpus-per-task", "-c"),
}
# What Snakemake says itself, and follows its jobs by.
SNAKEMAKES = (
    *("--array", "-a", "--chdir", "-D", "--clusters", "-M", "--comment", "--error", "-e"),
    *("--export", "--job-name", "-J", "--open-mode", "--output", "-o", "--parsable", "--wrap"),
    *("--cpus-per-gpu", "--mem-per-cpu", "--ntasks", "-n", "--ntasks-per-gpu"),
)


def _megabytes(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Z]*)", given.upper())
    if not found or found[2] not in UNITS:
        raise InputError(f"write a whole number of MB, or as 32GB, 32G or 1.5TB, got {given!r}")
    return round(float(found[1]) * UNITS[found[2]])


def _minutes(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        # 12:30 may be meant as hours and minutes, and would be minutes and seconds.
        return int(given) if given.isdecimal() else minutes(given if given.count(":") != 1 else "")
    except ValueError:
        raise InputError(
            f'write minutes, or as "24:00:00", "1-12:00:00", 36h or 90m, got {given!r}'
        ) from None


def _arguments(given: str) -> str:
    try:
        arguments = shlex.split(given)
    except ValueError as error:
        raise InputError(f"{given!r} cannot be taken apart ({str(error).lower()})") from None
    for argument in arguments:
        option = argument.split("=")[0] if argument.startswith("--") else argument[:2]
        for key, options in KEYS.items():
            if option in options:
                raise InputError(f"{option} has a key of its own, {key}")
        if option in SNAKEMAKES:
            raise InputError(f"{option} is Snakemake's to say")
    return given


def _written(pattern: str, how: str) -> AfterValidator:
    """Check of a text that may be empty."""

    def check(given: str) -> str:
        if given and not re.fullmatch(pattern, given):
            raise InputError(f"{how}, got {given!r}")
        return given

    return AfterValidator(check)


_MEGABYTES = BeforeValidator(_megabytes, json_schema_input_type=Annotated[int, Field(gt=0)] | str)
_MINUTES = BeforeValidator(_minutes, json_schema_input_type=Annotated[int, Field(gt=0)] | str)

Megabytes = Annotated[int, Field(gt=0, strict=True), _MEGABYTES]
Minutes = Annotated[int, Field(gt=0, strict=True), _MINUTES]
# YAML takes an account or a partition that is called 2024 for a number.
Text = Annotated[
    str, Field(coerce_numbers_to_str=True), WithJsonSchema({"type": ["string", "number"]})
]
Word = Annotated[Text, _written(r"[^\s'\"]+", "write it without spaces and quotes")]
Arguments = Annotated[Text, AfterValidator(_arguments)]
# As Snakemake's executor for SLURM takes them (its set_gres_string).
Gres = Annotated[
    Text,
    _written(r"\w+(:[\w.]+)?(:\d+[TGM]?)?", "write name, name:number or name:type:number"),
]
Model = Annotated[Text, _written(r"[\w.]+", "write letters, digits, _ and . only")]
