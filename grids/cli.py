"""The command `grids`."""

import sys

try:
    import argparse
    from collections.abc import Sequence

    from grids.commands import (
        _ending,
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
except KeyboardInterrupt:
    # As `_ending` has it, which may not be there yet.
    sys.exit(130)

COMMANDS = (check, explain, simulate, orphans, status, recover, export, restore, page, bundles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand, and returns the exit status."""
    return _ending.exit_status(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int | None:
    parser = argparse.ArgumentParser(prog="grids", description=__doc__)
    parser.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        default=argparse.SUPPRESS,
        help="show the version and exit",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    done: int | None = options.run(options)
    return done


class _Version(argparse.Action):
    """Looks the version up only when asked for it: to import what knows takes 0.05 s."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"grids {_version()}")
        parser.exit()


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("grids")
    except metadata.PackageNotFoundError:
        return "(of a checkout that is not installed)"


if __name__ == "__main__":
    sys.exit(main())
