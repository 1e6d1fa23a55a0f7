"""Degradations from the real world: folders of pairs, a degraded and a clean image of each.

Partners have the same path in their folders, suffix aside. Each pair belongs to one of a few parts
(see `grids.images.splitting`).
"""

import os
from pathlib import Path

from grids.base.errors import InputError
from grids.images import reading, sets, splitting


def find(
    degraded: str, clean: str, split: splitting.Split, apart: sets.Apart = sets.nothing
) -> dict[str, list[Path]]:
    """Files of each part: the degraded and the clean image of one pair after the other, by name.

    Args:
        degraded, clean: folders, searched with their sub-folders.
        split: what each part gets.
        apart: what is no photograph wherever it lies.

    Raises:
        InputError: a folder cannot be read, an image has no partner, two have one name, a pair
            belongs to no part or to two, or a part gets no pair.
    """
    of_degraded, of_clean = _by_name(degraded, apart), _by_name(clean, apart)
    for own, others, folder in ((of_degraded, of_clean, clean), (of_clean, of_degraded, degraded)):
        alone = sorted(own.keys() - others.keys())
        if alone:
            raise InputError(
                f"{own[alone[0]]}: no image of this name in {folder} "
                f"[{len(alone)} without partner, {len(own) - len(alone)} with]"
            )
    parts: dict[str, list[Path]] = {part: [] for part in split}
    for name, part in splitting.parts_of(of_clean, split, "pairs").items():
        parts[part] += [of_degraded[name], of_clean[name]]
    return parts


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


def _by_name(folder: str, apart: sets.Apart) -> dict[str, Path]:
    if not os.path.isdir(folder):
        raise InputError(f"{folder}: no such folder")
    named: dict[str, Path] = {}
    for path in sets.find(folder, apart):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in named:
            raise InputError(f"{named[name]} and {path}: two images of one name; remove one")
        named[name] = path
    return named
