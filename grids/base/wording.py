"""Numbers as people read them, and what they meant where YAML read something else."""

import datetime
import math
from typing import Any


def counted(number: int, noun: str) -> str:
    """A number of things: `1 group`, `3 groups`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def duration(hours: float, of: str = "") -> str:
    """A time in the unit that fits it: `0.03 s`, `12 min`, `1,250 h`; `12 GPU-min` if of `GPU-`."""
    for unit, value in (("s", 3600 * hours), ("min", 60 * hours)):
        if value < 59.5:
            return f"{value:.2g} {of}{unit}"
    return f"{hours:.3g} {of}h" if hours < 999.5 else f"{hours:,.0f} {of}h"


def meant_number(value: Any) -> str:
    """How to write the number that was meant, where this was read; empty if nobody knows."""
    if isinstance(value, bool):
        return "; YAML reads yes, no, on and off as true and false: write a number"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    if not math.isfinite(number) or isinstance(value, int):
        return ""
    if number.is_integer():
        return f"; write {number:.0f}"
    # A number with a fraction, where a whole one is wanted, is none that was misread.
    return "" if isinstance(value, float) else f"; write {number!r}"


def meant_text(value: Any) -> str:
    """How to write the name that was meant, where this was read; empty if nobody knows."""
    if isinstance(value, bool):
        return "; YAML reads yes, no, on and off as true and false: put it in quotes"
    if isinstance(value, int | float | datetime.date):
        return f"; put it in quotes: '{value}'"
    return ""
