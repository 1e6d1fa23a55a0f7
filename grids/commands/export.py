"""`grids export` puts what restoring needs into one folder, for itself or for darktable."""

import argparse
from pathlib import Path

from grids.base.errors import InputError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "put all that is needed to restore photographs elsewhere into one folder"
    parser = commands.add_parser("export", help=text, description=text)
    parser.add_argument(
        "results", type=Path, nargs="?", metavar="RESULTS", help="folder of the results"
    )
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
    parser.add_argument(
        "--examples",
        action="store_true",
        help="put in small pictures of the training photographs, with which `grids page` shows "
        "what a photograph is like: whoever gets the export sees them",
    )
    parser.add_argument(
        "--darktable",
        action="store_true",
        help="write the models of an export as packages that darktable installs; RESULTS is the "
        "export (default: the models that ship with GRIDS)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    if options.darktable:
        from grids.bundle import contents, darktable

        if options.half or options.note or options.examples:
            raise InputError(
                "--darktable takes an export as it is; leave out --half, --note and --examples"
            )
        bundle = contents.read(options.results or contents.BOX)
        for package in darktable.write(bundle, options.output):
            print(f"Package: {package}")
        return
    if options.results is None:
        raise InputError(
            "name the folder of the results; --darktable alone needs none, for the models that ship"
        )

    from grids.bundle.export import export

    try:
        note = options.note.read_text(encoding="utf-8") if options.note else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--note: {options.note}: cannot be read ({error})") from None
    export(options.results, options.output, options.half, note, options.examples, print)
    print(f"Export: {options.output}")
