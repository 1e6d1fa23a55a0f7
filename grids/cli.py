"""The command `grids`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from grids.base.errors import InputError
from grids.commands import restore


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand. A mistake of the user is one line on standard error, and status 1."""
    parser = argparse.ArgumentParser(prog="grids", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_explain(commands)
    _add_simulate(commands)
    _add_orphans(commands)
    _add_status(commands)
    _add_recover(commands)
    _add_export(commands)
    restore.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        status = options.run(options) or 0
        sys.stdout.flush()
        return status
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. Python would flush once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _add_explain(commands: argparse._SubParsersAction) -> None:
    text = "tell the story of a search, finished or not: what it asked for and why, what is left"
    parser = commands.add_parser("explain", help=text, description=text)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument("--backbone", default="", help="verified (default: the search's)")
    parser.add_argument("--test-set", default="", help="verified on (default: the search's)")
    parser.add_argument(
        "--figures",
        type=Path,
        help="folder for search.svg and frontier.svg (default: the folder of the results)",
    )
    parser.add_argument(
        "--hours", type=float, default=0, help="of one training (default: as measured on them)"
    )
    parser.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> None:
    from grids.report import search
    from grids.search import forecast, standing
    from grids.search.frontier import frontier
    from grids.search.story import story

    if options.hours < 0:
        raise InputError(f"--hours: must be 0 or more, got {options.hours:g}")
    found = standing.read(options.results, options.backbone, options.test_set)
    print("\n".join(story(found.plans, found.drops)))
    if "solution" not in found.plans[-1]:
        hours = forecast.hours(options.results, found.plans[-1]["backbone"], options.hours)
        print(f"Ahead: {forecast.sentence(forecast.of_plan(found), hours)}")
    table = frontier(found.similarity, found.drops)
    print("\nGroups for each δ (predicted: what a search would aim at; open: not verified yet)")
    print(table.drop(columns="groups").to_string(index=False))
    folder = options.figures or options.results
    last = found.plans[-1]
    order = [name for plan in found.plans for name in plan.get("requests", [])]
    search.search(
        found.similarity,
        found.drops,
        standing.groups(order, found),
        standing.groups(last.get("solution", []), found),
        last["delta"],
        folder / "search.svg",
    )
    search.frontier(table, last["delta"], folder / "frontier.svg")
    print(f"\nFigures: {folder / 'search.svg'}, {folder / 'frontier.svg'}")


def _add_simulate(commands: argparse._SubParsersAction) -> None:
    text = "run strategies against known drops, without any training, and count what they need"
    parser = commands.add_parser("simulate", help=text, description=text)
    parser.add_argument(
        "source",
        nargs="?",
        default="linear",
        help="a made-up family (linear, nonmonotone, outsider, conflicts, clusters), `published` "
        "for the paper's drops, or a folder of results (default: linear)",
    )
    parser.add_argument("--strategies", nargs="+", default=["paper", "active"], metavar="NAME")
    parser.add_argument(
        "--requests", nargs="+", type=int, default=[1], metavar="K", help="requests a round"
    )
    parser.add_argument("--n", nargs="+", type=int, default=[11], help="degradations")
    parser.add_argument(
        "--correlation",
        nargs="+",
        type=float,
        default=[0.9],
        metavar="C",
        help="how far drops follow distances, 0 … 1",
    )
    parser.add_argument("--noise", type=float, default=0.15, help="of a drop in dB")
    parser.add_argument("--delta", type=float, default=0.7, help="drop allowed in dB")
    parser.add_argument(
        "--group-worth", type=float, default=32, help="trainings that one group fewer is worth"
    )
    parser.add_argument("--instances", type=int, default=20, help="searches for each setting")
    parser.add_argument("--seed", type=int, default=0, help="of the first instance")
    parser.add_argument("--figure", type=Path, help="SVG file for the counts")
    parser.set_defaults(run=_simulate)


def _simulate(options: argparse.Namespace) -> None:
    from grids.report import search
    from grids.search.simulation.trials import trials

    table = trials(
        options.source,
        strategies=options.strategies,
        requests=options.requests,
        sizes=options.n,
        correlations=options.correlation,
        noise=options.noise,
        delta=options.delta,
        group_worth=options.group_worth,
        seeds=range(options.seed, options.seed + options.instances),
    )
    print(table.round(2).to_string(index=False))
    if options.figure:
        x = "correlation" if table["correlation"].nunique() > 1 else "n"
        search.simulation(table, x, options.figure)
        print(f"Figure: {options.figure}")


def _add_orphans(commands: argparse._SubParsersAction) -> None:
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
    parser.set_defaults(run=_orphans)


def _orphans(options: argparse.Namespace) -> None:
    from grids.runs.orphans import orphans, size, wanted

    found = list(orphans(options.results, wanted(options.options)))
    for path in found:
        print(f"{size(path) / 2**20:10.1f} MiB  {path}")
    print(f"{sum(map(size, found)) / 2**20:10.1f} MiB in all")


def _add_status(commands: argparse._SubParsersAction) -> None:
    text = "tell where a run stands: stages, trainings with their rates, jobs of the cluster"
    parser = commands.add_parser("status", help=text, description=text)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="where Snakemake is run (default: .)"
    )
    parser.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> None:
    from grids.runs.status import status

    for line in status(options.results, options.folder):
        print(line)


def _add_recover(commands: argparse._SubParsersAction) -> None:
    text = (
        "after Snakemake was killed on a cluster: wait until the jobs it has left are over, "
        "or cancel them, and unlock the folder"
    )
    parser = commands.add_parser("recover", help=text, description=text)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), help="where Snakemake was run (default: .)"
    )
    parser.add_argument("--cancel", action="store_true", help="cancel the jobs instead of waiting")
    parser.set_defaults(run=_recover)


def _recover(options: argparse.Namespace) -> None:
    from grids.runs.recovery import recover

    recover(options.folder, options.cancel, lambda line: print(line, flush=True))


def _add_export(commands: argparse._SubParsersAction) -> None:
    text = "put all that is needed to restore photographs elsewhere into one folder"
    parser = commands.add_parser("export", help=text, description=text)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a new or empty folder")
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> None:
    from grids.bundle.export import export

    export(options.results, options.output)
    print(f"Export: {options.output}")


if __name__ == "__main__":
    sys.exit(main())
