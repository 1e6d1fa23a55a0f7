"""Which images are trained on, which give PIES, which are tested on: by their names alone.

So further images move no other, and sets that share names are split alike.
"""

import hashlib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from grids.base.errors import InputError

PARTS = ("train", "pies", "test")

Split = Mapping[str, float | str]
"""For each part, in an order of its own, its share of the images, or a pattern of their names (as
of a shell)."""


def parts_of(names: Iterable[str], split: Split, what: str) -> dict[str, str]:
    """The part that each name belongs to.

    A part whose share is too small for so few takes the one name that is nearest to it.

    Args:
        names: of the images, suffix aside.
        split: what each part gets.
        what: they are called in errors.

    Raises:
        InputError: a name belongs to no part or to two, or a part gets none.
    """
    parts = {name: part_of(name, split) for name in sorted(names)}
    lacking = [part for part in split if part not in parts.values()]
    for part in lacking if _shares(split) else ():
        taken, middle = list(parts.values()), _middle(part, _shares(split))
        spare = [
            (abs(_place(name) - middle), name)
            for name, other in parts.items()
            if taken.count(other) > 1
        ]
        if spare:
            parts[min(spare)[1]] = part
    for part in split:
        if part not in parts.values():
            raise InputError(
                f"split.{part}: none of the {len(parts)} {what} belongs to this part; give it "
                f"another pattern, or give more {what}"
            )
    return parts


def part_of(name: str, split: Split) -> str:
    """The part that a name belongs to, however few there are.

    Raises:
        InputError: no pattern fits the name, or several do.
    """
    shares = _shares(split)
    if not shares:
        fitting = [part for part in split if fnmatchcase(name, str(split[part]))]
        if len(fitting) != 1:
            found = " and ".join(fitting) or "none of them"
            raise InputError(f"split: {name!r} must fit one pattern, but fits {found}")
        return fitting[0]
    place = _place(name) * sum(shares.values())
    *others, last = shares
    for part in others:
        if place < shares[part]:
            return part
        place -= shares[part]
    return last


def _shares(split: Split) -> dict[str, float]:
    """The share of each part; empty for patterns."""
    return {part: given for part, given in split.items() if not isinstance(given, str)}


def _place(name: str) -> float:
    """A number between 0 and 1 that the name alone decides."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) / 2**64


def _middle(part: str, shares: Mapping[str, float]) -> float:
    """The middle of a part's share of the numbers between 0 and 1."""
    before = sum(list(shares.values())[: list(shares).index(part)])
    return (before + shares[part] / 2) / sum(shares.values())
