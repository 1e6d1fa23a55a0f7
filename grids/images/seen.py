"""Checksums of photographs that were read before, so that a start reads only what is new.

A file is known again by its inode, size and time of last change. Indexes have these; of files that
no index has, such as copies, a memory of its own keeps them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from grids.base.files import appearing, sha256
from grids.images import reading

KEY = ["inode", "bytes", "changed_ns"]
Key = tuple[int, int, int]


def checksums(paths: Sequence[Path], indexes: Iterable[Path], memory: Path) -> pd.DataFrame:
    """KEY and `sha256` of the files that can be read, as `reading.content_digest` takes them.

    Args:
        paths: files of a set.
        indexes: tables that have these columns of some of them.
        memory: folder for what no index has.
    """
    root = hashlib.sha256(str(reading.root_of(paths)).encode()).hexdigest()[:16]
    own = memory / f"{root}.parquet"
    known: dict[Key, str] = {}
    for path in (*indexes, own):
        # One that cannot be read spares no reading; a job that needs it will say so.
        with suppress(Exception):
            table = pd.read_parquet(path, columns=[*KEY, "sha256"])
            keys = table[KEY].itertuples(index=False, name=None)
            known |= dict(zip(keys, table["sha256"], strict=True))

    def read(path: Path) -> tuple[Key, str] | None:
        try:
            stat = path.stat()
            key = stat.st_ino, stat.st_size, stat.st_ctime_ns
            return key, known.get(key) or sha256(path)
        except OSError:
            return None  # whoever needs it will say so

    found = dict(filter(None, reading.for_each(read, paths)))
    rows = [(*key, checksum) for key, checksum in found.items()]
    table = pd.DataFrame(rows, columns=[*KEY, "sha256"])
    if not found.keys() <= known.keys():
        with suppress(OSError), appearing(own) as temporary:
            table.to_parquet(temporary, index=False)
    return table
