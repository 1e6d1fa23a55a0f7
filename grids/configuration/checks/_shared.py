"""Checks that several sections need."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known
from grids.base.wording import meant_number
from grids.configuration.settings import RealSplit, Settings, Split
from grids.degrading.chains import NAMELESS
from grids.degrading.names import CLEAN, TWO

# Names that a degradation's would be taken for: of files, of a column, of a chain within a chain.
TAKEN = {CLEAN, TWO, "average", NAMELESS}


def require_there(name: str, there: Iterable[str], package: str, key: str) -> None:
    """A name must stand in a section, which a module's name may not do although it is known."""
    if name not in there and name in names_in(package):
        raise InputError(
            f"{key}: {name} is not among the {package} that are configured for it "
            f"({', '.join(sorted(there))}); add it there, or take it out here"
        )
    require_known(name, there, key)


def check_name(section: str, name: str) -> None:
    """Names become parts of paths, whose rules know no others."""
    if not re.fullmatch("[a-z0-9_]+", name) or name in TAKEN:
        raise InputError(
            f"{section}.{name}: choose another name, of a-z, 0-9 and _, not "
            f"{', '.join(sorted(TAKEN))}, and call its module (if it has one) by that"
        )


def check_split(key: str, split: Split | RealSplit) -> None:
    given = split.model_dump()
    if len({isinstance(value, str) for value in given.values()}) > 1:
        *others, last = given
        raise InputError(
            f"{key}: give {', '.join(others)} and {last} all as shares or all as patterns"
        )


def check_option(key: str, value: Any, default: Any, any_length: bool = False) -> None:
    """An option of a network has the type of its default, and is above 0 as far as it counts.

    A list has as many entries as its default, unless it may have `any_length`.
    """
    if isinstance(value, int) and type(default) is float and type(value) is not bool:
        value = float(value)
    if type(value) is not type(default):
        hint = meant_number(value) if type(default) in (int, float) else ""
        raise InputError(f"{key}: must be of type {type(default).__name__}, got {value!r}{hint}")
    if isinstance(default, list):
        if len(value) != len(default) and not any_length:
            raise InputError(f"{key}: must have {len(default)} entries, got {value!r}")
        for part in value:
            check_option(key, part, default[0])
    elif type(default) is int and value < 1:
        raise InputError(f"{key}: must be at least 1, got {value}")
    elif type(default) is float and not 0 < value < math.inf:
        raise InputError(f"{key}: must be above 0 and finite, got {value}")


def check_warmup(section: str, warmup: int, steps: Mapping[str, int]) -> None:
    """A warm-up ends before the training does, of which there may be several, by their keys."""
    for key, count in steps.items():
        if warmup >= count:
            raise InputError(
                f"{section}.warmup: {warmup} steps must be fewer than {section}.{key} ({count})"
            )


def check_batch(section: str, batch: int, settings: Settings) -> None:
    """A batch is shared equally by processes, and by the parts that each works through."""
    processes, accumulation = settings.processes(), settings.execution.accumulation
    if batch % (processes * accumulation):
        raise InputError(
            f"{section}.batch: {batch} samples cannot be shared equally by execution.processes "
            f"({processes}) times execution.accumulation ({accumulation})"
        )
