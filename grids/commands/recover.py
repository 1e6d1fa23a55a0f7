"""`grids recover` cleans up after Snakemake was killed on a cluster."""

import argparse
from pathlib import Path

from grids.commands import _ending


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = (
        "after Snakemake was killed on a cluster: wait until the jobs it has left are over, "
        "or cancel them, and unlock the folder (without a cluster: snakemake --unlock)"
    )
    parser = commands.add_parser("recover", help=text, description=text)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), help="where Snakemake was run (default: .)"
    )
    parser.add_argument("--cancel", action="store_true", help="cancel the jobs instead of waiting")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    _ending.require_module("snakemake")

    from grids.runs.recovery import recover

    recover(options.folder, options.cancel, lambda line: print(line, flush=True))
