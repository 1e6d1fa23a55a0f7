"""Numbers as people read them."""


def counted(number: int, noun: str) -> str:
    """A number of things: `1 group`, `3 groups`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def duration(hours: float, of: str = "") -> str:
    """A time in the unit that fits it: `0.03 s`, `12 min`, `1,250 h`; `12 GPU-min` if of `GPU-`."""
    for unit, value in (("s", 3600 * hours), ("min", 60 * hours)):
        if value < 59.5:
            return f"{value:.2g} {of}{unit}"
    return f"{hours:.3g} {of}h" if hours < 999.5 else f"{hours:,.0f} {of}h"
