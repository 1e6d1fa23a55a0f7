"""How the command ends, whichever subcommand runs and whatever happens."""

import os
import sys
from collections.abc import Callable

from grids.base import printing
from grids.base.errors import InputError


def exit_status(run: Callable[[], int | None]) -> int:
    """Runs a subcommand, and says how it ended.

    A mistake of the user is one line on standard error, and status 1.
    """
    printing.never_fails()
    try:
        done = run() or 0
        sys.stdout.flush()
        return done
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. Python would flush once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
