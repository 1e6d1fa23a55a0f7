"""Paths as people write them: `~` and variables of the environment stand for what they hold."""

import os
import re

from grids.base.errors import InputError

VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})")


def expanded(path: str) -> str:
    """The path that is meant.

    Raises:
        InputError: a variable is not set, or there is no such user.
    """
    for match in VARIABLE.finditer(path):
        if not os.environ.get(name := match[1] or match[2]):
            raise InputError(
                f"{path}: the variable {name} is not set; set it or write the path out"
            )
    meant = os.path.expanduser(os.path.expandvars(path))
    if meant.startswith("~"):
        raise InputError(f"{path}: no such user; write the path out")
    return meant
