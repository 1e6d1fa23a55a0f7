"""Which of two copies of a training may write.

When a cluster loses sight of a node it starts the job again elsewhere, while the first copy may
live on there. So the copy that was started last owns the training: it leaves a token beside the
checkpoints, and the other one, which finds a token that is not its own, writes nothing more.
"""

import os
import uuid
from pathlib import Path

from grids.base.files import appearing

# Handed on to the processes of the training.
VARIABLE = "GRIDS_TRAINING_OWNER"


class Superseded(SystemExit):
    """Another copy of the training was started after this one."""


def claim(state: Path) -> None:
    """Makes this process, and those it starts, the owner of the training.

    Args:
        state: folder of the training's checkpoints.
    """
    os.environ[VARIABLE] = uuid.uuid4().hex
    with appearing(_file(state)) as temporary:
        temporary.write_text(os.environ[VARIABLE], encoding="utf-8")


def check(state: Path) -> None:
    """To be called before anything is written; means nothing where nobody has claimed.

    Raises:
        Superseded: the training is no longer this process's.
    """
    token = os.environ.get(VARIABLE)
    if token and token != _owner(state):
        raise Superseded("a later copy of this training has taken over; this one stops")


def release(state: Path) -> None:
    """Removes the token of a training that is finished, unless it is a later copy's by now.

    That copy publishes the same files again: this one left its last checkpoint before it published.
    """
    if _owner(state) == os.environ.get(VARIABLE):
        _file(state).unlink(missing_ok=True)


def _owner(state: Path) -> str:
    try:
        return _file(state).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""  # the other copy has finished


def _file(state: Path) -> Path:
    return state.with_name("owner")
