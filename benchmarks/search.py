"""Figures of searches: `python benchmarks/search.py [PART …]`.

Parts: scale, families, tag, published, property, budget, told, bounded. An instance is drawn by its
seed: the settings of the strategies were chosen on the seeds 1000 … 1199, and figures are reported
on those from `--seed`, 5000 unless told.
"""

import argparse
import json
import resource
import time
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from grids.report import search
from grids.search.candidates import HEAD, best, rank
from grids.search.contract import Group, SearchSettings
from grids.search.partition import cheapest, parts, unmask
from grids.search.simulation.curves import Curves, Knobs
from grids.search.simulation.families import (
    DELTA,
    FAMILIES,
    Instance,
    completed,
    published,
    with_affinity,
)
from grids.search.simulation.searches import (
    Psnr,
    compare,
    optimum,
    run,
    run_levels,
    strategy,
    summary,
)
from grids.search.strategies import active

NOISE = 0.15
LEVELS = (10, 30)

# Learning curves, from those that tell nearly all after a tenth of a training to those that tell
# nothing.
CURVES = {
    "clear": Knobs(trust=1.0, bias=0.05, noise=0.1, spread=0.3),
    "usual": Knobs(),
    "rough": Knobs(trust=0.7, bias=0.2, noise=0.5, spread=0.8),
    "blind": Knobs(trust=0.0, bias=0.0, noise=1.0, spread=1.5),
}
# Ranges of trust, bias, noise, gain and spread in part `bounded`.
KNOBS = ((0.3, 1.0), (-0.1, 0.3), (0.05, 0.6), (0.5, 2.0), (0.1, 1.0))

# Members that lose more than δ less this many dB are near it (part `told`).
NEAR = 0.3

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


def budget(options: argparse.Namespace) -> None:
    """Costs of strategy `budget` against those of `active`, which needs no learning curves."""
    seeds = range(options.seed, options.seed + (options.instances or 50))
    for family, correlation, (what, knobs) in product(
        options.families, options.correlations, CURVES.items()
    ):
        if what not in options.curves:
            continue
        drawn = {s: FAMILIES[family](11, correlation, NOISE, s) for s in seeds}
        curves = {s: Curves(instance, knobs, s).of for s, instance in drawn.items()}
        asked = SearchSettings(DELTA, options.requests, levels=LEVELS)
        tables = [compare(drawn, ["active"], asked).assign(certificate="")]
        for certificate in ("full", "bounded"):
            settings = replace(asked, certificate=certificate)
            table = compare(drawn, ["budget"], settings, curves)
            tables.append(table.assign(certificate=certificate))
        found = pd.concat(tables).groupby(["strategy", "certificate"], sort=False)
        means = found[["cost", "trainings", "rounds", "groups", "optimum"]].mean()
        means.insert(1, "ratio", means["cost"] / means["cost"].iloc[0])
        rank = _agreement(drawn, curves)
        print(
            f"\n{family}, correlation {correlation}, curves {what} (rank correlation of drops at "
            f"{LEVELS[0]} % {rank:.2f}), {len(drawn)} instances, {options.requests} a round"
        )
        print(means.round(3).to_string(), flush=True)


def told(options: argparse.Namespace) -> None:
    """Costs of strategy `budget` if all groups but those of a true answer are known to fail.

    Nothing is tried in vain then. The answer is the partition into the fewest groups, and into one
    more, that has the fewest members near δ, which are what `bounded` finishes single-task models
    for.
    """
    seeds = range(options.seed, options.seed + (options.instances or 50))
    # At such a worth no group is given up before it is known to fail.
    asked = SearchSettings(DELTA, levels=LEVELS, group_worth=1e9)
    for family, correlation in product(options.families, options.correlations):
        rows = []
        for seed, more in product(seeds, (0, 1)):
            instance = FAMILIES[family](11, correlation, NOISE, seed)
            names = instance.similarity.names
            everyone = [unmask(number, names) for number in range(1 << len(names))]
            others = {*everyone} - {*_roomy(instance, more)}
            gone = {g: dict.fromkeys(g, -np.inf) for g in others if len(g) > 1}
            for certificate in ("full", "bounded"):
                done = run_levels(
                    strategy("budget"),
                    instance.similarity,
                    Curves(instance, Knobs(), seed).of,
                    replace(asked, certificate=certificate),
                    {LEVELS[0]: gone},
                )
                cost = done.cost(asked.decay)
                rows.append((certificate, more, cost, len(done.groups)))
        columns = ["certificate", "more", "cost", "groups"]
        means = pd.DataFrame(rows, columns=columns).groupby(columns[:2], sort=False).mean()
        print(f"\n{family}, correlation {correlation}, the answer told, {len(seeds)} instances")
        print(means.round(3).to_string(), flush=True)


def _roomy(instance: Instance, more: int) -> list[Group]:
    """The true partition into the fewest groups and `more` with the fewest members near δ."""
    names = instance.similarity.names
    inside = (np.arange(1 << len(names))[:, None] >> np.arange(len(names)) & 1).astype(bool)
    drops = np.where(inside, instance.drops(inside), -np.inf)
    alone = inside.sum(axis=1) == 1
    near = (drops > DELTA - NEAR).sum(axis=1) + 1e-3
    weights = np.where((drops.max(axis=1) <= DELTA) & inside.any(axis=1), near, np.inf)
    # The single-task model of a group of one is finished in any case.
    weights[alone] = 1
    count = len(optimum(instance, DELTA)) + more
    return [unmask(part, names) for part in parts(cheapest(weights, count), weights, count)]


def bounded(options: argparse.Namespace) -> None:
    """Small instances of all kinds by strategy `budget`: how often what is stated holds.

    With `--outcomes` each search is noted as it ends, and those that are noted are not run again.
    """
    wanted = range(options.seed, options.seed + (options.instances or 10_000))
    file = options.outcomes
    lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
    searches = {seed: rest for seed, *rest in map(json.loads, lines) if seed in wanted}
    for seed in wanted:
        if seed not in searches:
            searches[seed] = _stated_and_held(seed)
            if file:
                with open(file, "a", encoding="utf-8") as noted:
                    noted.write(json.dumps([seed, *searches[seed]]) + "\n")
    found = pd.DataFrame(
        [(which, *group) for which, groups in searches.values() for group in groups],
        columns=["certificate", "stated", "holds"],
    )
    print(f"\n{len(searches)} small searches by strategy budget")
    unsure = found[found["stated"] < 1]
    for what, part in [
        ("groups in answers under `full`", found[found["certificate"] == "full"]),
        ("groups in answers under `bounded`", found[found["certificate"] == "bounded"]),
        ("of these with a single-task model that was not finished", unsure),
    ]:
        stated, holds = part["stated"].mean(), part["holds"].mean()
        print(f"{what}: {len(part)}; stated {stated:.4f}, hold {holds:.4f}")
    bins = pd.cut(unsure["stated"], [0, 0.925, 0.95, 0.975, 0.99, 1])
    table = unsure.groupby(bins, observed=True).agg(
        groups=("holds", "size"), stated=("stated", "mean"), holds=("holds", "mean")
    )
    print(table.round(4).to_string(), flush=True)


def _stated_and_held(seed: int) -> tuple[str, list[tuple[float, bool]]]:
    """The certificate of a search, and of each group of its answer what is stated and what holds.

    Raises:
        RuntimeError: a group fails under the certificate `full`.
    """
    # A stream of its own beside those of the instance and of its curves.
    random = np.random.default_rng([seed, 6])
    family = FAMILIES[str(random.choice(sorted(FAMILIES)))]
    n, k = int(random.integers(2, 7)), int(random.integers(1, 9))
    instance = family(n, float(random.uniform()), float(random.uniform(0, 0.3)), seed)
    knobs = Knobs(*(float(random.uniform(*ends)) for ends in KNOBS))
    certificate = str(random.choice(["full", "bounded"], p=[0.2, 0.8]))
    settings = SearchSettings(DELTA, k, levels=LEVELS, certificate=certificate)
    curves = Curves(instance, knobs, seed).of
    done = run_levels(strategy("budget"), instance.similarity, curves, settings)
    groups = []
    for group in done.groups:
        if len(group) > 1:
            holds = max(instance.of(group).values()) <= DELTA
            if certificate == "full" and not holds:
                raise RuntimeError(f"seed {seed}: {group} fails")
            groups.append((done.stated(group), holds))
    return certificate, groups


def _agreement(drawn: dict[int, Instance], curves: dict[int, Psnr]) -> float:
    """Mean rank correlation of the drops at the lowest level with the final ones, of random pairs,
    triples and quadruples."""
    found = []
    for seed, instance in drawn.items():
        random, names = np.random.default_rng(seed), instance.similarity.names
        rows = []
        for size in (2, 3, 4) * 10:
            group = tuple(sorted(random.choice(names, size, replace=False).tolist()))
            short, end = curves[seed](group, LEVELS[0]), instance.of(group)
            for name in group:
                rows.append((curves[seed]((name,), LEVELS[0])[name] - short[name], end[name]))
        found.append(pd.DataFrame(rows).corr("spearman").iloc[0, 1])
    return float(np.mean(found))


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
    "budget": budget,
    "told": told,
    "bounded": bounded,
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
    parser.add_argument("--curves", nargs="+", default=["usual"], choices=CURVES)
    parser.add_argument("--requests", type=int, default=1, help="a round (budget)")
    parser.add_argument("--outcomes", type=Path, help="file to go on with (bounded)")
    parser.add_argument("--figure", type=Path, help="SVG file for the counts of scale")
    arguments = parser.parse_args()
    for part in arguments.parts:
        PARTS[part](arguments)
