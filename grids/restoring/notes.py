"""What belongs to a photograph beside its pixels, as each format has it."""

from typing import Any, NamedTuple


class Notes(NamedTuple):
    """What goes over to a restored file.

    Attributes:
        kept: in the form that the format's module writes.
        xmp: packet of XMP, or empty.
        remarks: what does not go over.
    """

    kept: Any
    xmp: bytes = b""
    remarks: tuple[str, ...] = ()


def not_kept(what: list[str], noun: str) -> tuple[str, ...]:
    """The remark that these things of one kind do not go over, if there are any."""
    return (f"{noun} not kept: {', '.join(dict.fromkeys(what))}",) if what else ()
