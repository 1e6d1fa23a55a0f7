"""`grids simulate` runs strategies against known drops."""

import argparse
from pathlib import Path


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
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
    parser.add_argument(
        "--affinity",
        type=float,
        default=0.9,
        metavar="C",
        help="how far made-up affinities, which strategy tag goes by, follow drops of pairs, 0 … 1",
    )
    parser.add_argument("--noise", type=float, default=0.15, help="of a drop in dB")
    parser.add_argument("--delta", type=float, default=0.7, help="drop allowed in dB")
    parser.add_argument(
        "--group-worth", type=float, default=32, help="trainings that one group fewer is worth"
    )
    parser.add_argument(
        "--levels",
        nargs="+",
        type=int,
        default=[10, 30],
        metavar="L",
        help="percentages of a training that strategy budget may ask for",
    )
    parser.add_argument("--certificate", default="full", choices=["full", "bounded"])
    parser.add_argument(
        "--trust",
        type=float,
        default=0.9,
        help="share of a final drop that shows after 10 %% of a training",
    )
    parser.add_argument(
        "--bias",
        type=float,
        default=0.1,
        help="of a group for each further member after 10 %% of a training, in dB",
    )
    parser.add_argument(
        "--curve-noise",
        type=float,
        default=0.2,
        help="of each model's PSNR after 10 %% of a training, in dB",
    )
    parser.add_argument("--instances", type=int, default=20, help="searches for each setting")
    parser.add_argument("--seed", type=int, default=0, help="of the first instance")
    parser.add_argument("--figure", type=Path, help="SVG file for the counts")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from grids.report import search
    from grids.search.simulation.curves import Knobs
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
        affinity=options.affinity,
        levels=options.levels,
        certificate=options.certificate,
        knobs=Knobs(options.trust, options.bias, options.curve_noise),
        seeds=range(options.seed, options.seed + options.instances),
    )
    print(table.round(2).to_string(index=False))
    if options.figure:
        x = "correlation" if table["correlation"].nunique() > 1 else "n"
        search.simulation(table, x, options.figure)
        print(f"Figure: {options.figure}")
