"""Copies of stores on a disk of the node, for file systems that are slow over the network."""

import fcntl
import shutil
from pathlib import Path

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.base.paths import expanded


def staged(store: str | Path, scratch: str) -> Path:
    """A copy of a store in `scratch`, made once for all processes that share that folder.

    Args:
        store: a file that is named by its content within its set's folder.
        scratch: folder of a local disk, in which environment variables are expanded; empty: the
            store is used where it is.

    Raises:
        InputError: a variable in `scratch` is not set.
    """
    if not scratch:
        return Path(store)
    try:
        folder = Path(expanded(scratch))
    except InputError as error:
        raise InputError(f"execution.scratch: {error}") from None
    copy = folder / "grids" / Path(store).parent.name / Path(store).name
    copy.parent.mkdir(parents=True, exist_ok=True)
    with open(copy.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            with appearing(copy) as temporary:
                shutil.copyfile(store, temporary)
    return copy
