"""What tells of a drop before the full training: shares of the budget, distances, affinities.

    python benchmarks/fidelity.py RESULTS [--backbone nafnet] [--test-set kodak] [--table FILE]

RESULTS holds verifications of single-task models and of groups, and the same at levels of the
budget (`search.levels`), as config/table2.yaml makes them; also, where they are there, the matrices
of the descriptors and the affinities of strategy `tag`. A member's distance is the mean of those to
and from the others of its group, its affinity the mean of theirs onto it.

Prints rank correlations with the drop after the full training: over all members of all groups; the
same less the mean of each degradation, since some lose much in any group; and over the groups'
worst members; and how far off the drop at a level is. `--table` writes what they are made of, a row
for each group, member and budget, as Parquet.
"""

import argparse
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from grids.jobs import places
from grids.search.contract import Group
from grids.search.drops import measurements
from grids.search.group_names import group_name

AFFINITY = "affinity/{backbone}.parquet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--backbone", default="nafnet")
    parser.add_argument("--test-set", default="kodak")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    table = pd.concat(of_budgets(options.results, options.backbone, options.test_set))
    relations = dict(of_pairs(options.results, options.backbone))
    for name, square in relations.items():
        table[name] = [
            mean_of_others(square, *row) for row in table[["group", "degradation"]].values
        ]
    if options.table:
        table.to_parquet(options.table, index=False)
    full = table[table["budget"] == 1].set_index(["group", "degradation"])
    for budget, rows in table[table["budget"] < 1].groupby("budget"):
        compare(f"drop at {budget:.0%}", rows.set_index(full.index.names)["drop_db"], full)
    # The more there are, the less room there is for each.
    compare("size of the group", full.index.to_frame()["group"].str.count(r"\+") + 1, full)
    for name in relations:
        # Of those who are alike, and of those who help, little is lost.
        compare(name, full[name] * (-1 if name == "affinity" else 1), full)


def of_budgets(results: Path, backbone: str, test_set: str) -> Iterator[pd.DataFrame]:
    """The drops at each budget, of all groups that were verified there."""
    where = {"backbone": backbone, "test_set": test_set}
    paths = {1.0: places.found(results, places.VERIFICATION, **where)}
    for path in places.found(results, places.LEVEL_VERIFICATION, **where):
        paths.setdefault(int(path.relative_to(results).parts[1]) / 100, []).append(path)
    for budget, found in sorted(paths.items()):
        tables = {tuple(path.parent.name.split("+")): pd.read_parquet(path) for path in found}
        yield pd.DataFrame(rows(tables)).assign(backbone=backbone, budget=budget)


def rows(tables: dict[Group, pd.DataFrame]) -> Iterator[dict[str, str | float]]:
    drops, errors = measurements.drops(tables)
    for group, own in drops.items():
        means = tables[group].groupby("degradation")["psnr_db"].mean()
        for name, drop in own.items():
            if len(group) > 1:
                yield {
                    "group": group_name(group),
                    "degradation": name,
                    "psnr_db": means[name],
                    "single_db": means[name] + drop,
                    "drop_db": drop,
                    "drop_std_db": errors[group][name],
                }


def of_pairs(results: Path, backbone: str) -> Iterator[tuple[str, dict[tuple[str, str], float]]]:
    """What is known of each ordered pair of degradations, by what it was measured with."""
    files = {"distance_srresnet": results / places.SIMILARITY}
    for path in places.found(results, places.OTHER_SIMILARITY):
        files[f"distance_{path.parent.name}"] = path
    files["affinity"] = results / AFFINITY.format(backbone=backbone)
    for name, path in files.items():
        if path.is_file():
            column = name.partition("_")[0]
            square = pd.read_parquet(path).set_index(["source", "target"])[column].to_dict()
            yield name, square if column == "affinity" else both_ways(square)


def both_ways(square: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {
        (a, b): (square[a, b] + square[b, a]) / 2 for a, b in permutations({*sum(square, ())}, 2)
    }


def mean_of_others(square: dict[tuple[str, str], float], group: str, member: str) -> float:
    others = [name for name in group.split("+") if name != member]
    return float(np.mean([square[name, member] for name in others]))


def compare(what: str, told: pd.Series, full: pd.DataFrame) -> None:
    """Prints how well something tells the full drops."""
    both = pd.DataFrame({"told": told, "full": full["drop_db"]}).dropna()
    within = both - both.groupby("degradation").transform("mean")
    worst = both.groupby("group").max()
    kinds = {"members": both, "less each degradation's mean": within, "groups' worst": worst}
    correlations = (
        f"{spearmanr(of['told'], of['full']).statistic:+.2f} {name} ({len(of)})"
        for name, of in kinds.items()
    )
    print(f"{what}: Spearman {', '.join(correlations)}", end="")
    if what.startswith("drop"):
        apart = both["full"] - both["told"]
        print(f"; the full drop is {apart.mean():+.2f} ± {apart.std():.2f} dB more", end="")
    print()


if __name__ == "__main__":
    main()
