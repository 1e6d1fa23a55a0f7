"""`grids export` puts what restoring needs into one folder."""

import argparse
from pathlib import Path


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "put all that is needed to restore photographs elsewhere into one folder"
    parser = commands.add_parser("export", help=text, description=text)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a new or empty folder")
    parser.add_argument(
        "--half", action="store_true", help="weights in half precision, at half the size"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.bundle.export import export

    export(options.results, options.output, options.half)
    print(f"Export: {options.output}")
