"""Figures of the search: `python benchmarks/search.py [PART …]`, parts: families, property, scale.

Seeds are fixed; each family is drawn anew with the seeds 0 … instances − 1.
"""

import argparse
import resource
import time
from functools import partial
from itertools import product

import numpy as np
import pandas as pd

from grids.candidates import best, rank
from grids.search.decision import SearchSettings
from grids.search.families import DELTA, FAMILIES
from grids.search.simulation import compare, run, summary
from grids.search.strategies import active

NOISE = 0.15


def families(instances: int) -> None:
    """Trainings, rounds and groups on each family; `ratio` is to `paper`, one request a round."""
    for family, correlation in product(FAMILIES, (0.9, 0.0)):
        draw = partial(FAMILIES[family], 11, correlation, NOISE)
        drawn = {seed: draw(seed) for seed in range(instances)}
        alone = compare(drawn, ["paper", "active"], SearchSettings(DELTA))
        many = compare(drawn, ["paper", "active"], SearchSettings(DELTA, 8))
        table = pd.concat([alone.assign(requests=1), many.assign(requests=8)])
        print(f"\n{family}, correlation {correlation}, {instances} instances, noise {NOISE} dB")
        print(summary(table, ["strategy", "requests"]).round(3).to_string(index=False))
        trainings = alone.pivot(index="seed", columns="strategy", values="trainings")
        costly = trainings[trainings["paper"] >= 40]
        ratio = costly["active"] / costly["paper"]
        ratios = f"median {ratio.median():.2f}, most {ratio.max():.2f}" if len(ratio) else "none"
        print(f"active / paper where paper needs 40 or more ({len(ratio)}): {ratios}", flush=True)


def property_(instances: int) -> None:
    """Small instances of all kinds: `run` raises at an unverified or failing group."""
    random = np.random.default_rng(0)
    for seed in range(instances):
        family = FAMILIES[str(random.choice(sorted(FAMILIES)))]
        n, k = int(random.integers(2, 7)), int(random.integers(1, 9))
        instance = family(n, float(random.uniform()), float(random.uniform(0, 0.5)), seed)
        run(active.plan, instance.similarity, instance.of, SearchSettings(DELTA, k))
    print(f"\n{instances} small instances: no unverified and no failing group in any solution")


def scale(_: int) -> None:
    """Time and memory against n."""
    random = np.random.default_rng(0)
    for n in (11, 16, 20):
        names = [f"degradation_{i:02d}" for i in range(n)]
        start = time.perf_counter()
        rank(random.uniform(2, 5, (n, n)), names)
        print(f"all rankings, n = {n}: {time.perf_counter() - start:.2f} s, {_peak():.2f} GiB peak")
    names = [f"degradation_{i:02d}" for i in range(30)]
    distance = random.uniform(2, 5, (30, 30))
    start = time.perf_counter()
    exact = sum(np.isinf(best(distance, names, size, 100)[1]) for size in range(1, 31))
    print(
        f"best 100 of each size, n = 30: {time.perf_counter() - start:.1f} s, {exact} sizes exact"
    )
    for n in (5, 8, 11, 14, 20, 30):
        instance = FAMILIES["linear"](n, 0.9, NOISE, 0)
        seconds = []

        def timed(*arguments, seconds=seconds):
            start = time.perf_counter()
            answer = active.plan(*arguments)
            seconds.append(time.perf_counter() - start)
            return answer

        done = run(timed, instance.similarity, instance.of, SearchSettings(DELTA, 4))
        print(
            f"active, n = {n}: longest plan {max(seconds):.2f} s, {done.trainings} trainings in "
            f"{len(done.rounds)} rounds, {len(done.groups)} groups",
            flush=True,
        )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


PARTS = {"scale": (scale, 0), "families": (families, 200), "property": (property_, 10_000)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--instances", type=int)
    options = parser.parse_args()
    for name in options.parts:
        function, instances = PARTS[name]
        function(options.instances or instances)
