"""Names of groups: what a set of degradations is called in files, wildcards and messages."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from grids.base.errors import InputError
from grids.base.levels import WHOLE
from grids.base.plugins import require_known

# Leaves room in the 255 bytes of a file name; the eleven degradations of the paper need 116.
LIMIT = 120

LEVEL = "@"
"""Stands between a group and the lower level that it is trained up to."""

REMAINDER = re.compile(r"and_([1-9]\d*)_more_([0-9a-f]{8})")


def group_name(degradations: Iterable[str]) -> str:
    """The name of a group: its degradations in alphabetical order joined by `+`.

    Beyond 120 bytes, as many of the first degradations as fit, then how many are left out and a
    digest of the full name: `defocus_blur+gaussian_blur+and_9_more_1f3a9c2e`.

    Args:
        degradations: names in any order, of letters, digits, `_` and `-`.

    Raises:
        InputError: no degradation, or one twice.
    """
    names = sorted(degradations)
    if not names:
        raise InputError("a group has at least one degradation")
    repeated = [a for a, b in pairwise(names) if a == b]
    if repeated:
        raise InputError(f"group {'+'.join(names)!r} has {repeated[0]!r} twice; name it once")
    full = "+".join(names)
    if len(full) <= LIMIT:
        return full
    digest = hashlib.sha256(full.encode()).hexdigest()[:8]
    shortened = (
        "+".join([*names[:kept], f"and_{len(names) - kept}_more_{digest}"])
        for kept in range(len(names) - 1, -1, -1)
    )
    return next(name for name in shortened if len(name) <= LIMIT)


def trial_name(group: str, level: int) -> str:
    """What a training of a group up to a level is called: `jpeg+sr@10`, to its end `jpeg+sr`."""
    return group if level == WHOLE else f"{group}{LEVEL}{level}"


def trial(name: str) -> tuple[str, int]:
    """The group's name and the level of what `trial_name` calls so."""
    group, _, level = name.partition(LEVEL)
    return group, int(level or WHOLE)


def members(name: str, known: Collection[str]) -> tuple[str, ...]:
    """The degradations of a group in alphabetical order: the inverse of `group_name`.

    Args:
        name: a group's name as `group_name` writes it.
        known: all degradations there are; a shortened name is completed from them.

    Raises:
        InputError: a degradation is unknown or named twice, the name is not the canonical one, or
            no choice of known degradations has the digest of a shortened name.
    """
    *first, last = name.split("+")
    remainder = None if last in known else REMAINDER.fullmatch(last)
    if not remainder:
        first.append(last)
    for degradation in first:
        require_known(degradation, known, "degradation")
    if remainder:
        return _completed(name, tuple(first), int(remainder[1]), known)
    canonical = group_name(first)
    if name != canonical:
        raise InputError(f"{name!r} is not the name of this group; write {canonical}")
    return tuple(first)


def _completed(
    name: str, first: tuple[str, ...], missing: int, known: Collection[str]
) -> tuple[str, ...]:
    # Names are cut from the end of the alphabet, so only later ones can be missing.
    later = sorted(k for k in known if not first or k > max(first))
    begun = hashlib.sha256("".join(f"{degradation}+" for degradation in first).encode())
    for rest in _endings(begun, later, missing, name[-8:]):
        if group_name((*first, *rest)) == name:
            return (*first, *rest)
    raise InputError(
        f"{name!r} stands for no group of the known degradations; "
        "was one renamed or removed since it was written?"
    )


def _endings(
    begun: "hashlib._Hash", later: list[str], missing: int, digest: str
) -> Iterator[tuple[str, ...]]:
    """Choices of `missing` of the `later` names that, joined to what is begun, have the digest.

    There may be millions of choices; those that begin alike share the hash of their beginning.
    """
    for i in range(len(later) - missing + 1):
        longer = begun.copy()
        longer.update(later[i].encode())
        if missing > 1:
            longer.update(b"+")
            for rest in _endings(longer, later[i + 1 :], missing - 1, digest):
                yield later[i], *rest
        elif longer.hexdigest().startswith(digest):
            yield (later[i],)
