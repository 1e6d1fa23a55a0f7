"""Which files below a folder are photographs that someone means: one rule for all searches.

A name that starts with a dot is hidden, and so are the names in ALIEN, which systems and programs
put beside photographs for themselves: copies, thumbnails, what was thrown away. Such files and
folders are passed over wherever a folder is searched. What is named itself is always meant.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

SUFFIXES = (".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")

ALIEN = frozenset(
    name.casefold()
    for name in (
        *("__MACOSX", "Icon\r", "Network Trash Folder", "Temporary Items"),
        *("Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "RECYCLER"),
        *(
            "System Volume Information",
            "@eaDir",
            "#recycle",
            "#snapshot",
            "@Recycle",
            "@Recently-Snapshot",
        ),
        "lost+found",
    )
)


def meant(name: str) -> bool:
    """Whether someone who names the folder means the file or folder of this name in it."""
    return not name.startswith(".") and name.casefold() not in ALIEN


def photograph(path: Path) -> bool:
    """Whether a file is a photograph by its suffix."""
    return path.suffix.lower() in SUFFIXES


def in_a_files_place(path: str | Path) -> bool:
    """A file, or a link to nothing: no folder, and no pipe, which a reader would wait for."""
    return os.path.isfile(path) or not os.path.exists(path)


def below(
    folder: str | Path, unreadable: Callable[[OSError], None], without: Path | None = None
) -> Iterator[Path]:
    """All meant files below a folder, sorted; linked folders are searched too, but never twice.

    Args:
        folder: what is searched.
        unreadable: gets the error of each folder that cannot be read.
        without: a folder that is passed over.
    """
    visited = {os.path.realpath(without)} if without else set()
    for place, folders, files in os.walk(os.fspath(folder), followlinks=True, onerror=unreadable):
        visited.add(os.path.realpath(place))
        # A link upwards would be walked for ever.
        folders[:] = sorted(
            name
            for name in folders
            if meant(name) and os.path.realpath(os.path.join(place, name)) not in visited
        )
        paths = (Path(place, name) for name in sorted(files) if meant(name))
        yield from filter(in_a_files_place, paths)
