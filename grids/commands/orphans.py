"""`grids orphans` lists results that nothing asks for any more."""

import argparse
from pathlib import Path

from grids.commands import _ending


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "list results that nothing asks for any more; nothing is deleted"
    targets = (
        "What only other targets than `all` need is listed unless they are named, as in "
        "`grids orphans results -- results/bundle all --configfile FILE`."
    )
    parser = commands.add_parser("orphans", help=text, description=f"{text}. {targets}")
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument(
        "options",
        nargs="*",
        help="of the runs of snakemake, behind --: targets, and options such as --configfile FILE",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    _ending.require_module("snakemake")

    from grids.runs.orphans import orphans, size, wanted

    found = list(orphans(options.results, wanted(options.options)))
    for path in found:
        print(f"{size(path) / 2**20:10.1f} MiB  {path}")
    print(f"{sum(map(size, found)) / 2**20:10.1f} MiB in all")
