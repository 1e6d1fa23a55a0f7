"""Figures of searches: `python benchmarks/search.py [PART …]`.

Parts: scale, families, tag, published, property. An instance is drawn by its seed: the settings of
strategy `active` were chosen on the seeds 1000 … 1199, and figures are reported on those from
`--seed`, 5000 unless told.
"""

import argparse
import resource
import time
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from grids.report import search
from grids.search.candidates import HEAD, best, rank
from grids.search.contract import SearchSettings
from grids.search.simulation.families import (
    DELTA,
    FAMILIES,
    completed,
    published,
    with_affinity,
)
from grids.search.simulation.searches import compare, optimum, run, strategy, summary
from grids.search.strategies import active

NOISE = 0.15
LONGEST = "CPU seconds of the longest plan"


def families(options: argparse.Namespace) -> None:
    """Trainings, rounds and groups on each family; ratios are to `paper` with as many requests."""
    seeds = range(options.seed, options.seed + (options.instances or 200))
    for family, correlation in product(options.families, options.correlations):
        draw = partial(FAMILIES[family], 11, correlation, NOISE)
        drawn = {seed: draw(seed) for seed in seeds}
        tables = {k: compare(drawn, ["paper", "active"], SearchSettings(DELTA, k)) for k in (1, 8)}
        table = pd.concat([table.assign(requests=k) for k, table in tables.items()])
        print(f"\n{family}, correlation {correlation}, {len(drawn)} instances, noise {NOISE} dB")
        print(summary(table, ["strategy", "requests"]).round(3).to_string(index=False))
        trainings = tables[1].pivot(index="seed", columns="strategy", values="trainings")
        ratio = trainings["active"] / trainings["paper"]
        costly = ratio[trainings["paper"] >= 40]
        ratios = f"median {costly.median():.2f}, most {costly.max():.2f}" if len(costly) else "none"
        print(
            f"active / paper, one request a round: median {ratio.median():.2f}; "
            f"where paper needs 40 or more ({len(costly)}): {ratios}",
            flush=True,
        )


def tag(options: argparse.Namespace) -> None:
    """Strategy `tag` where affinities follow the drops of pairs well, less, and not at all."""
    seeds = range(options.seed, options.seed + (options.instances or 200))
    for family in options.families:
        drawn = {seed: FAMILIES[family](11, 0.9, NOISE, seed) for seed in seeds}
        for follows in (0.9, 0.5, 0.0):
            told = {seed: with_affinity(one, follows, seed) for seed, one in drawn.items()}
            table = summary(compare(told, ["tag"], SearchSettings(DELTA)))
            print(f"\n{family}, {len(told)} instances, affinities follow drops by {follows}")
            print(table.round(3).to_string(index=False), flush=True)


def published_(_: argparse.Namespace) -> None:
    """The published drops with their stand-in, from nothing and from the mix of all."""
    similarity, measured = published()
    instance = completed(similarity, measured, DELTA)
    mix = {similarity.names: measured[similarity.names]}
    print(f"\npublished drops and a stand-in: optimum {len(optimum(instance, DELTA))} groups")
    for name, k, (what, known) in product(
        ("paper", "active"), (1, 8), {"nothing": {}, "the mix": mix}.items()
    ):
        done = run(strategy(name), similarity, instance.of, SearchSettings(DELTA, k), known)
        print(
            f"{name}, {k} a round, from {what}: {done.trainings} trainings, {len(done.rounds)} "
            f"rounds, {len(done.groups)} groups",
            flush=True,
        )


def property_(options: argparse.Namespace) -> None:
    """Small instances of all kinds: `run` raises at an unverified or failing group."""
    random = np.random.default_rng(options.seed)
    count = options.instances or 10_000
    for seed in range(options.seed, options.seed + count):
        name = str(random.choice(["active", "paper"], p=[0.8, 0.2]))
        family = FAMILIES[str(random.choice(sorted(FAMILIES)))]
        n, k = int(random.integers(1, 7)), int(random.integers(1, 9))
        instance = family(n, float(random.uniform()), float(random.uniform(0, 0.5)), seed)
        settings = SearchSettings(DELTA, k, group_worth=float(random.choice([0.5, 4, 16, 100])))
        done = run(strategy(name), instance.similarity, instance.of, settings)
        if len(done.groups) < len(optimum(instance, DELTA)):
            raise RuntimeError(f"{name} on seed {seed}: fewer groups than there can be")
    print(f"\n{count} small instances: no unverified and no failing group in any solution")


def scale(options: argparse.Namespace) -> None:
    """Time and memory against n."""
    random = np.random.default_rng(0)
    for n in (11, 16, 20):
        names = [f"degradation_{i:02d}" for i in range(n)]
        distance, start = random.uniform(2, 5, (n, n)), time.process_time()
        rank(distance, names)
        spent = time.process_time() - start
        print(f"all rankings, n = {n}: {spent:.2f} s of CPU, {_peak():.2f} GiB peak", flush=True)
    names = [f"degradation_{i:02d}" for i in range(30)]
    distance, start = random.uniform(2, 5, (30, 30)), time.process_time()
    gaps = {}
    for size in range(1, 31):
        table, limit = best(distance, names, size, HEAD)
        gaps[size] = max(0.0, float(table["distance_mean"].max()) - limit)
    spent, widest = time.process_time() - start, max(gaps, key=gaps.__getitem__)
    print(
        f"best {HEAD} of each size, n = 30: {spent:.1f} s of CPU, {_peak():.2f} GiB peak; "
        f"{sum(gap == 0 for gap in gaps.values())} sizes without a gap; widest gap "
        f"{gaps[widest]:.3f} (size {widest}): from that far below the largest mean distance on, "
        "groups may be missing",
        flush=True,
    )
    rows = []
    for n in (5, 8, 11, 14, 20, 30):
        instance = FAMILIES["linear"](n, 0.9, NOISE, options.seed)
        seconds = []

        def timed(*arguments, seconds=seconds):
            start = time.process_time()
            answer = active.plan(*arguments)
            seconds.append(time.process_time() - start)
            return answer

        done = run(timed, instance.similarity, instance.of, SearchSettings(DELTA, 4))
        print(
            f"active, n = {n}: longest plan {max(seconds):.2f} s of CPU, {done.trainings} "
            f"trainings in {len(done.rounds)} rounds, {len(done.groups)} groups",
            flush=True,
        )
        plan = {"trainings": done.trainings, "rounds": len(done.rounds), LONGEST: max(seconds)}
        rows.append({"strategy": "active", "requests": 4, "n": n, **plan})
    if options.figure:
        columns = ["trainings", "rounds", LONGEST]
        search.simulation(pd.DataFrame(rows), "n", options.figure, columns)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


PARTS = {
    "scale": scale,
    "published": published_,
    "families": families,
    "tag": tag,
    "property": property_,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--instances", type=int, help="searches a setting (families, property)")
    parser.add_argument("--seed", type=int, default=5000, help="of the first instance")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--correlations", nargs="+", type=float, default=[0.9, 0.0])
    parser.add_argument("--figure", type=Path, help="SVG file for the counts of scale")
    arguments = parser.parse_args()
    for part in arguments.parts:
        PARTS[part](arguments)
