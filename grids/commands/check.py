"""The command `grids check`."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUMMARY = "check a configuration, its photographs and its weights, without Snakemake"
DETAILS = (
    "Mistakes that Snakemake itself meets first, in files behind --configfile, it names without "
    "file and line."
)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    parser = commands.add_parser("check", help=SUMMARY, description=f"{SUMMARY}. {DETAILS}")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="as for --configfile")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.base.plugins import ROOT
    from grids.configuration import elsewhere, files, loading, photographs, trials

    default = ROOT.parent / "config" / "config.yaml"
    below = [default] if default.exists() else []
    config: Mapping[str, Any] = {}
    for path in [*below, *options.files]:
        config = files.laid_over(config, files.read(path))
    settings = loading.load(config)
    found = photographs.find(settings)
    photographs.check(settings, found)
    trials.check(settings)
    elsewhere.measurements(settings, found)
    for warning in photographs.warnings(settings, found):
        print(f"warning: {warning}")
    counts = ", ".join(f"{len(paths)} in {name}" for name, paths in found.items())
    print(f"The configuration holds together; photographs: {counts}.")
