"""`grids export` puts what restoring needs into one folder."""

import argparse
from pathlib import Path

from grids.base.errors import InputError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "put all that is needed to restore photographs elsewhere into one folder"
    parser = commands.add_parser("export", help=text, description=text)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a new or empty folder")
    parser.add_argument(
        "--half", action="store_true", help="weights in half precision, at half the size"
    )
    parser.add_argument(
        "--note",
        type=Path,
        metavar="FILE",
        help="Markdown that the card ends with, such as sources; its front matter (license, "
        "datasets, tags) goes into the card's",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.bundle.export import export

    try:
        note = options.note.read_text(encoding="utf-8") if options.note else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--note: {options.note}: cannot be read ({error})") from None
    export(options.results, options.output, options.half, note, print)
    print(f"Export: {options.output}")
