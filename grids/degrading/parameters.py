"""Parameters of degradations: what a module declares, and what a configuration changes.

A module declares `PARAMETERS`: for each name its value for `evaluation` (PIES and verification) and
for `training`, the `range` of what is possible, and what it `is`. A value is a
number, or `[low, high]`, from which each image gets its own (see `grids.degrading.operators`): a
whole one if the declared values are whole. `SEVERITIES` lists values from mild to strong.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from grids.base.errors import InputError
from grids.base.plugins import constant_of, names_in, require_known
from grids.base.wording import meant_number

Use = Literal["evaluation", "training"]
DECLARED = ("evaluation", "training", "range", "is")
# How strong a degradation is by what a training has of it, in shares of the way from its mild to
# its strong end, by logarithms. Below 0 it is half as strong as the mildest, beyond 1 twice as
# strong as the strongest.
STRENGTHS = {"milder": -1.0, "weak": 1 / 6, "medium": 1 / 2, "strong": 5 / 6, "stronger": 2.0}
BEYOND = 2


def specification(degradation: str) -> dict[str, dict[str, Any]]:
    """`PARAMETERS` of a degradation's module.

    Raises:
        InputError: there is no such degradation, and the nearest name is given; or a parameter
            lacks something, or has a value out of its own range.
    """
    declared: dict[str, dict[str, Any]] = _constant(degradation, "PARAMETERS")
    for name, about in declared.items():
        missing = [key for key in DECLARED if not isinstance(about, dict) or key not in about]
        if missing:
            raise InputError(
                f"grids/degradations/{degradation}.py: PARAMETERS: {name} has no "
                + ", ".join(map(repr, missing))
            )
        for use in ("evaluation", "training"):
            try:
                _check(name, about[use], about)
            except InputError as error:
                raise InputError(
                    f"grids/degradations/{degradation}.py: PARAMETERS: {use} of {error}"
                ) from None
    return declared


def severities(degradation: str) -> list[dict[str, Any]]:
    """All parameters of a degradation for each of its `SEVERITIES`, the mildest first."""
    declared = specification(degradation)
    steps = _constant(degradation, "SEVERITIES")
    return [resolve(declared, step, "evaluation") for step in steps]


def strengths(degradation: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Values of a degradation at each of `STRENGTHS`, with regard to those of its training.

    Only what differs between its mildest and its strongest of `SEVERITIES` makes it stronger, and
    these say in which direction; the rest stays as in the training.

    Args:
        degradation: a module's name.
        values: all its numbers or ranges for the training.
    """
    declared = specification(degradation)
    ladder = severities(degradation)
    mild, strong = ({name: _ends(of[name])[0] for name in of} for of in (ladder[0], ladder[-1]))
    grows = {name: strong[name] > mild[name] for name in mild if strong[name] != mild[name]}

    def at(strength: str, name: str) -> Any:
        if name not in grows:
            return values[name]
        return _at_strength(strength, _ends(values[name]), grows[name], declared[name])

    return {strength: {name: at(strength, name) for name in values} for strength in STRENGTHS}


def _at_strength(
    strength: str, ends: list[Any], grows: bool, declared: dict[str, Any]
) -> float | int:
    mild, strong = (ends[0], ends[-1]) if grows else (ends[-1], ends[0])
    share, (least, most) = STRENGTHS[strength], declared["range"]
    if share < 0:
        number = mild / BEYOND if grows else mild * BEYOND
    elif share > 1:
        number = strong * BEYOND if grows else strong / BEYOND
    elif min(mild, strong) > 0:
        number = mild * (strong / mild) ** share
    else:  # nothing has a logarithm at 0
        number = mild + share * (strong - mild)
    number = min(max(number, least), most)
    return round(number) if isinstance(_ends(declared["evaluation"])[0], int) else float(number)


@cache
def _constant(degradation: str, constant: str) -> Any:
    """A literal in a degradation's module.

    Read from the source instead of by import: the Snakefile checks the configuration with it, and
    the modules import torch, which takes seconds.
    """
    require_known(degradation, names_in("degradations"), "degradation")
    value = constant_of("degradations", degradation, constant)
    if value is not None:
        return value
    raise InputError(f"grids/degradations/{degradation}.py declares no {constant}")


def resolve(
    specification: dict[str, dict[str, Any]], overrides: Mapping[str, Any], use: Use
) -> dict[str, Any]:
    """All values of a degradation for one use: the module's where `overrides` has none.

    Raises:
        InputError: an unknown parameter, or a value of the wrong kind or out of its range.
    """
    values = {name: declared[use] for name, declared in specification.items()}
    for name, value in overrides.items():
        require_known(name, specification, "parameter")
        _check(name, value, specification[name])
        values[name] = _as_declared(value, specification[name])
    return dict(sorted(values.items()))


def _check(name: str, value: Any, declared: dict[str, Any]) -> None:
    whole = isinstance(_ends(declared["evaluation"])[0], int)
    kind = "a whole number" if whole else "a number"
    ends = _ends(value)
    number = int if whole else int | float
    if len(ends) > 2 or not all(isinstance(e, number) and not isinstance(e, bool) for e in ends):
        # Of a list, the end that is none.
        wrong = next((e for e in ends if not isinstance(e, number) or isinstance(e, bool)), None)
        hint = meant_number(wrong)
        raise InputError(f"{name}: must be {kind} or [low, high], got {value!r}{hint}")
    if len(ends) == 2 and ends[0] > ends[1]:
        raise InputError(f"{name}: must be [low, high], low first, got {value!r}")
    least, most = declared["range"]
    if not all(least <= end <= most for end in ends):  # so written, it refuses NaN
        raise InputError(f"{name}: must lie within {least} … {most}, got {value!r}")


def _as_declared(value: Any, declared: dict[str, Any]) -> Any:
    """Numbers as floats where the declared ones are: `[2, 4]` of such a value is `[2.0, 4.0]`."""
    if isinstance(_ends(declared["evaluation"])[0], int):
        return value
    return [float(end) for end in value] if isinstance(value, list) else float(value)


def _ends(value: Any) -> list[Any]:
    return value if isinstance(value, list) and value else [value]
