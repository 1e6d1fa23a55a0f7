"""`grids bundles` lists the exports at hand that `grids restore` can use."""

import argparse
import json
from pathlib import Path

from grids.base.errors import InputError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "list the exports at hand: the models that ship with GRIDS, and those in folders"
    parser = commands.add_parser("bundles", help=text, description=text)
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        default=[Path()],
        metavar="FOLDER",
        help="searched, with the folders below (default: the current one)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.base.printing import on_one_line
    from grids.bundle import contents

    for folder in options.folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; name one to search")
    shipped = (contents.BOX / contents.ABOUT).read_bytes()
    for folder in (contents.BOX, *contents.below(options.folders)):
        try:
            bundle = contents.read(folder)
        except InputError as error:
            # It may be another program's file of that name; the others are listed all the same.
            print(on_one_line(str(error)))
            continue
        if folder == contents.BOX:
            title = f"ships with GRIDS ({folder})"
        elif (folder / contents.ABOUT).read_bytes() == shipped:
            # As in a clone of the repository, beside GRIDS that is installed.
            print(f"{on_one_line(str(folder))}: the models that ship with GRIDS")
            continue
        else:
            title = on_one_line(str(folder))
        size = sum(path.stat().st_size for path in (*bundle.models.values(), bundle.descriptor))
        print(f"{title}: {bundle.backbone} {json.dumps(bundle.sizes)}, {size / 2**20:.1f} MiB")
        for group in bundle.groups:
            print(f"  {on_one_line(group)}")
