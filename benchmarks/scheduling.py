"""Wall time of searches on 1, 8 and 64 GPUs: what to set as requests a round and GPUs a training.

python benchmarks/scheduling.py [--instances 20 3] [--figure docs/slurm.svg]

The drops come from the simulated family `linear` of grids.search.simulation.families (correlation
0.9, noise 0.15 dB, delta 0.7 dB). Times are in units of one training on one GPU; a round's
verification, planning and queueing count as 0.05. Several GPUs on one training are taken to reach
0.9 of the ideal speed-up, which is an assumption and depends on network, batch and GPU.
"""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from grids.base.files import appearing
from grids.base.plugins import constant_of
from grids.report import style
from grids.search.contract import SearchSettings
from grids.search.simulation.families import FAMILIES
from grids.search.simulation.scheduling import schedule
from grids.search.simulation.searches import run, strategy

STRATEGIES = ("paper", "active")
SIZES = (11, 30)
GPUS = (1, 8, 64)
REQUESTS = (1, 2, 4, 8, 16)
SHARING = (1, 8)
EFFICIENCY, VERIFICATION = 0.9, 0.05


def table(instances: list[int]) -> pd.DataFrame:
    """Means over as many instances as given for each n, a row for each setting."""
    rows = []
    for n, count in zip(SIZES, instances, strict=True):
        drawn = [FAMILIES["linear"](n, 0.9, 0.15, seed) for seed in range(count)]
        for name in STRATEGIES:
            limit = constant_of("search/strategies", name, "LIMIT")
            if limit and n > limit:
                continue
            for k in REQUESTS:
                settings = SearchSettings(0.7, k)
                runs = [run(strategy(name), i.similarity, i.of, settings) for i in drawn]
                rows += [
                    {"n": n, "strategy": name, "requests": k, **on_gpus}
                    for done in runs
                    for on_gpus in _scheduled(n, [len(asked) for asked in done.rounds])
                ]
    keys = ["n", "strategy", "gpus", "gpus_per_training", "requests"]
    return pd.DataFrame(rows).groupby(keys, sort=False).mean().reset_index()


def _scheduled(n: int, rounds: list[int]) -> list[dict]:
    found = []
    for gpus in GPUS:
        for share in SHARING:
            if share > gpus:
                continue
            efficiency = EFFICIENCY if share > 1 else 1.0
            done = schedule(n, rounds, gpus, share, efficiency, VERIFICATION)
            found.append(
                {
                    "gpus": gpus,
                    "gpus_per_training": share,
                    "trainings": done.trainings,
                    "rounds": len(rounds),
                    "wall": done.wall,
                    "utilisation": done.utilisation,
                }
            )
    return found


def figure(rows: pd.DataFrame, path: Path) -> None:
    """Wall time against requests a round, a panel for each n and number of GPUs."""
    drawing = Figure(figsize=(9, 5))
    panels = drawing.subplots(len(SIZES), len(GPUS), sharex=True, squeeze=False)
    colours = {"paper": style.ORANGE, "active": style.BLUE}
    for (n, gpus), part in rows.groupby(["n", "gpus"]):
        axes = panels[SIZES.index(n)][GPUS.index(gpus)]
        for (name, share), line in part.groupby(["strategy", "gpus_per_training"]):
            axes.plot(
                line["requests"],
                line["wall"],
                "o-" if share == 1 else "s--",
                color=colours[name],
                markersize=4,
                label=f"{name}, {share} GPU{'s' if share > 1 else ''} a training",
            )
        axes.set(title=f"n = {n}, {gpus} GPU{'s' if gpus > 1 else ''}", xscale="log")
        axes.set_ylim(0, None)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(REQUESTS)
    for axes in panels[-1]:
        axes.set_xlabel("requests a round")
    for axes in panels[:, 0]:
        axes.set_ylabel("wall time in trainings")
    panels[0][1].legend(fontsize=7)
    with appearing(path) as temporary:
        drawing.savefig(temporary, format="svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--instances",
        type=int,
        nargs=len(SIZES),
        default=[20, 3],
        help=f"searches for each setting at n = {SIZES}",
    )
    parser.add_argument("--figure", type=Path, help="SVG file")
    options = parser.parse_args()
    rows = table(options.instances)
    print(rows.round(2).to_string(index=False))
    if options.figure:
        figure(rows, options.figure)


if __name__ == "__main__":
    main()
