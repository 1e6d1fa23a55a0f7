"""`grids status` tells where a run stands."""

import argparse
from pathlib import Path


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "tell where a run stands: stages, trainings with their rates, jobs of the cluster"
    parser = commands.add_parser("status", help=text, description=text)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="where Snakemake is run (default: .)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.runs.status import status

    for line in status(options.results, options.folder):
        print(line)
