"""Degradations from the real world: folders of pairs, a degraded and a clean image of each.

Partners have the same path in their folders, suffix aside. Each pair belongs to one of three parts:
one is trained on, one gives PIES, one is tested on. The part depends on the pair's name alone, so
that further pairs move no other, and degradations that share their clean images are split alike.
"""

import hashlib
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from grids.base.errors import InputError
from grids.images import reading, sets

PARTS = ("train", "pies", "test")

Split = Mapping[str, float | str]
"""For each of PARTS its share of the pairs, or a pattern of its pairs' names (as of a shell)."""


def find(degraded: str, clean: str, split: Split) -> dict[str, list[Path]]:
    """Files of each part: the degraded and the clean image of one pair after the other, by name.

    Args:
        degraded, clean: folders, searched with their sub-folders; `~` and environment variables
            are expanded.
        split: what each part gets.

    Raises:
        InputError: a folder cannot be read, an image has no partner, two have one name, a pair
            belongs to no part or to two, or a part gets no pair.
    """
    of_degraded, of_clean = _by_name(degraded), _by_name(clean)
    for own, others, folder in ((of_degraded, of_clean, clean), (of_clean, of_degraded, degraded)):
        alone = sorted(own.keys() - others.keys())
        if alone:
            raise InputError(
                f"{own[alone[0]]}: no image of this name in {folder} "
                f"[{len(alone)} without partner, {len(own) - len(alone)} with]"
            )
    parts: dict[str, list[Path]] = {part: [] for part in PARTS}
    for name in sorted(of_clean):
        parts[part_of(name, split)] += [of_degraded[name], of_clean[name]]
    for part, files in parts.items():
        if not files:
            raise InputError(
                f"split.{part}: none of the {len(of_clean)} pairs belongs to this part; give it a "
                "larger share, another pattern, or give more pairs"
            )
    return parts


def part_of(name: str, split: Split) -> str:
    """The part that a pair belongs to.

    Raises:
        InputError: no pattern fits its name, or several do.
    """
    patterns = {part: given for part, given in split.items() if isinstance(given, str)}
    if patterns:
        fitting = [part for part in PARTS if fnmatchcase(name, patterns[part])]
        if len(fitting) != 1:
            found = " and ".join(fitting) or "none of them"
            raise InputError(f"split: {name!r} must fit one pattern, but fits {found}")
        return fitting[0]
    # A number between 0 and 1 that the name alone decides.
    place = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) / 2**64
    shares = {part: given for part, given in split.items() if not isinstance(given, str)}
    place *= sum(shares.values())
    for part in PARTS[:-1]:
        if place < shares[part]:
            return part
        place -= shares[part]
    return PARTS[-1]


def check_sizes(files: list[Path]) -> None:
    """Both images of a pair must have one size; `files` as `find` returns them.

    Raises:
        InputError: names the first pair that does not.
    """
    for degraded, clean in zip(files[::2], files[1::2], strict=True):
        (width, height), other = reading.size(degraded), reading.size(clean)
        if (width, height) != other:
            raise InputError(
                f"{degraded}: {width}×{height} pixels, but {clean} has {other[0]}×{other[1]}; "
                "the images of a pair must show the same at the same place"
            )


def _by_name(folder: str) -> dict[str, Path]:
    root = os.path.expanduser(os.path.expandvars(folder))
    if not os.path.isdir(root):
        raise InputError(f"{folder}: no such folder")
    named: dict[str, Path] = {}
    for path in sets.find(folder):
        name = path.relative_to(root).with_suffix("").as_posix()
        if name in named:
            raise InputError(f"{named[name]} and {path}: two images of one name; remove one")
        named[name] = path
    return named
