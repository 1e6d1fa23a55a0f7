"""Photographs as they come in: checked as far as can be before a pixel of them is decoded."""

import shutil
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grids.base.errors import InputError
from grids.images import decoding, png, tiff

SIGNATURES = (png.SIGNATURE, *tiff.SIGNATURES, b"\xff\xd8", b"RIFF", b"BM")
# In bytes. What numbers a name must fit into the 255 that file systems have.
LONGEST_NAME = 240
# Folders of an upload and its name; outer ones are left away.
DEEPEST = 32
NAMELESS = "photograph"


@dataclass(frozen=True)
class Limits:
    """What one upload, and one page, may take.

    Attributes:
        megabytes: of a file.
        megapixels: of a picture, by its header.
        photographs: on one page.
        megabytes_free: what stays free on the disk of temporary files.
    """

    megabytes: int = 256
    megapixels: int = 120
    photographs: int = 1000
    megabytes_free: int = 1024


class RefusedError(InputError):
    """An upload that is not taken; `status` is that of the answer."""

    def __init__(self, reason: str, status: int):
        super().__init__(reason)
        self.status = status


# What a name may not hold on Windows, where ":" would also begin at a drive or name a stream; and
# the names of devices there, whatever their ending.
NOT_IN_NAMES = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
PORTS = (f"{kind}{number}" for kind in ("com", "lpt") for number in "0123456789¹²³")
DEVICES = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", *PORTS))


def tidy(path: str) -> str:
    """The path that came with an upload, fit to be shown: folders, if any, and the name.

    No part of it leads elsewhere (`..`, the root), and none holds a backslash or a sign that is not
    seen.
    """
    *folders, name = path.replace("\\", "/").split("/")
    parts = [_clean(part) for part in folders]
    return "/".join([*filter(None, parts), _clean(name) or NAMELESS][-DEEPEST:])


def _clean(part: str) -> str:
    """A part of a path as it is shown; empty if it names nothing."""
    seen = "".join(sign if sign.isprintable() else "_" for sign in part)
    clean = seen.encode()[-LONGEST_NAME:].decode(errors="ignore")
    return clean if clean.strip(". ") else ""


def members(paths: list[str]) -> list[str]:
    """Names in an archive of what has these paths, which are `tidy`.

    They differ whatever the case of letters and however accents are put to them, and none is that
    of a folder, so that all can be unpacked at one place; endings are kept. No name is or holds
    what Windows does not take.
    """
    wanted = [PurePosixPath(*map(_anywhere, path.split("/"))) for path in paths]
    taken = {_alike(folder) for path in wanted for folder in path.parents}
    # The number that a name had last is where the next of it begins.
    numbers: dict[str, int] = {}
    names = []
    for path in wanted:
        name, key = path, _alike(path)
        while _alike(name) in taken:
            numbers[key] = numbers.get(key, 1) + 1
            name = path.with_name(f"{path.stem} ({numbers[key]}){path.suffix}")
        taken.add(_alike(name))
        names.append(str(name))
    return names


def _anywhere(part: str) -> str:
    """A part of a path as all systems take it: Windows drops spaces and dots at the end."""
    part = part.translate(NOT_IN_NAMES).rstrip(" .")
    device = part.partition(".")[0].rstrip(" ").casefold() in DEVICES
    return f"_{part}" if device else part


def _alike(path: PurePosixPath) -> str:
    """The same for names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())


async def receive(
    chunks: AsyncIterator[bytes], declared: str | None, target: Path, limits: Limits
) -> None:
    """Writes an upload to a file, as far as it keeps within the limits.

    Args:
        chunks: of its bytes.
        declared: how many it says there are, None if it does not.
        target: a new file, which is gone again if the upload is refused or breaks off.
        limits: see there.

    Raises:
        RefusedError: it is too large, is no photograph, or there is no room.
    """
    most = limits.megabytes * 10**6
    too_large = RefusedError(f"more than {limits.megabytes} MB", 413)
    if declared is not None and (not declared.isdecimal() or int(declared) > most):
        raise too_large
    _require_room(target, int(declared or 0), limits)
    taken = False
    try:
        with open(target, "xb") as file:
            head, size = b"", 0
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise too_large
                if len(head) < 8:
                    head += chunk[:8]
                    if len(head) >= 8:
                        _require_signature(head)
                file.write(chunk)
        _require_signature(head)
        _require_room(target, 0, limits)
        taken = True
    finally:
        if not taken:
            target.unlink(missing_ok=True)


def _require_signature(head: bytes) -> None:
    if not head.startswith(SIGNATURES):
        raise RefusedError(f"no photograph in {decoding.FORMATS}", 415)


def _require_room(target: Path, needed: int, limits: Limits) -> None:
    if shutil.disk_usage(target.parent).free < needed + limits.megabytes_free * 10**6:
        raise RefusedError("the disk of temporary files is full", 507)


def measured(path: Path, limits: Limits) -> tuple[int, int]:
    """Width and height of an upload, from its header.

    Raises:
        RefusedError: it has none, or too many pixels.
    """
    try:
        width, height = decoding.size(path)
    except InputError as error:
        # The file has a name of ours, which says nothing to people.
        raise RefusedError(str(error).removeprefix(f"{path}: "), 415) from None
    if width * height > limits.megapixels * 10**6:
        raise RefusedError(
            f"{width}×{height} pixels, more than {limits.megapixels} megapixels", 413
        )
    return width, height
