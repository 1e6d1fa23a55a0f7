"""`grids explain` tells the story of a search."""

import argparse
from pathlib import Path

from grids.base.errors import InputError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
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
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.report import search
    from grids.runs import needed
    from grids.search import forecast, standing
    from grids.search.drops import levels
    from grids.search.frontier import frontier
    from grids.search.story import story

    if options.hours < 0:
        raise InputError(f"--hours: must be 0 or more, got {options.hours:g}")
    found = standing.read(options.results, options.backbone, options.test_set)
    if needed.changed_since(options.results, found.plans[0]):
        print("The last run has other settings and no round yet; this is the search before it.")
    print("\n".join(story(found.plans, found.drops, levels.short(found.psnr).drops)))
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
