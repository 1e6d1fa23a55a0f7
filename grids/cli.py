"""The command `grids`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from grids.base import printing
from grids.base.errors import InputError
from grids.commands import (
    bundles,
    check,
    explain,
    export,
    orphans,
    page,
    recover,
    restore,
    simulate,
    status,
)

COMMANDS = (check, explain, simulate, orphans, status, recover, export, restore, page, bundles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand. A mistake of the user is one line on standard error, and status 1."""
    printing.never_fails()
    parser = argparse.ArgumentParser(prog="grids", description=__doc__)
    parser.add_argument("--version", action="version", version=f"grids {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        done = options.run(options) or 0
        sys.stdout.flush()
        return done
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. Python would flush once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _version() -> str:
    try:
        return metadata.version("grids")
    except metadata.PackageNotFoundError:
        return "(of a checkout that is not installed)"


if __name__ == "__main__":
    sys.exit(main())
