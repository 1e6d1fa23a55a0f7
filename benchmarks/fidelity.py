"""What tells of a drop before the full training: shares of it, distances, affinities, gradients.

    python benchmarks/fidelity.py [benchmarks/drops/nafnet.parquet]
    python benchmarks/fidelity.py RESULTS --start mix [--seed 0] --table FILE

Prints Spearman's correlations with the drop after the full training: over all members of all
groups; the same less the mean of each degradation, since some lose much in any group; and over the
groups' worst members; and how far off the drop at a level is. For each start of the trainings, and
from one to another. Then what several of these tell together, by a ridge regression on the other
groups, and how much another seed changes.

The second form makes the table first (benchmarks/drops says what its rows are), or replaces what it
has of this start and seed. RESULTS holds verifications of single-task models and of groups, and the
same at levels of the budget (`search.levels`), as config/table2.yaml makes them; also, where they
are there, the matrices of the descriptors and the affinities of strategy `tag`. A member's distance
is the mean of those to and from the others of its group, its affinity the mean of theirs onto it.
"""

import argparse
from collections.abc import Iterator
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from grids.jobs import places
from grids.search.contract import Group
from grids.search.drops import measurements
from grids.search.group_names import group_name

PUBLISHED = Path(__file__).parent / "drops" / "nafnet.parquet"
AFFINITY = "affinity/{backbone}.parquet"
MEMBER = ["group", "degradation"]
RIDGE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("given", type=Path, nargs="?", default=PUBLISHED)
    parser.add_argument("--backbone", default="nafnet")
    parser.add_argument("--test-set", default="kodak")
    parser.add_argument("--start", default="none", help="what the trainings of RESULTS began with")
    parser.add_argument("--seed", type=int, default=0, help="of the trainings of RESULTS")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.given.is_dir():
        table = of_results(options.given, options.backbone, options.test_set)
        table = table.assign(start=options.start, seed=options.seed)
    else:
        table = pd.read_parquet(options.given)
    if options.table:
        if options.table.exists():
            kept = pd.read_parquet(options.table)
            same = (kept["start"] == options.start) & (kept["seed"] == options.seed)
            table = pd.concat([kept[~same], table], ignore_index=True)
            known = known_before(table)
            # What this start has not, another one may have: it is of no training of a group.
            table[known] = table[known].fillna(table.groupby(MEMBER)[known].transform("first"))
        table.to_parquet(options.table, index=False)
    first = table[table["seed"] == table["seed"].min()]
    for start, rows in first.groupby("start"):
        print(f"\nDrops after the full training, from {start}, told by")
        report(rows[rows["budget"] == 1].set_index(MEMBER), first)
    for (start, budget), rows in table.groupby(["start", "budget"]):
        noise(f"from {start}, {budget:.0%}", rows)


def report(full: pd.DataFrame, first: pd.DataFrame) -> None:
    """Prints what tells of full drops: all that `first` has, alone and together.

    Args:
        full: rows by group and degradation.
        first: rows of one seed, of all starts and budgets.
    """
    (start,) = full["start"].unique()
    shorter = {
        (of, budget): rows.set_index(MEMBER)["drop_db"]
        for (of, budget), rows in first.groupby(["start", "budget"])
        if (of, budget) != (start, 1)
    }
    for (of, budget), drops in shorter.items():
        compare(f"the drop from {of} at {budget:.0%}", drops, full, off=True)
    # The more there are, the less room there is for each.
    before = {"size of the group": full.index.to_frame()["group"].str.count(r"\+") + 1}
    before |= {name: full[name] for name in known_before(full.dropna(axis=1))}
    if "affinity" in before:
        # Of those who help, little is lost.
        before["affinity"] = -before["affinity"]
    for name, feature in before.items():
        compare(name, feature, full)
    beside = {name: before.pop(name) for name in ["linearized_db"] if name in before}
    if lower := [budget for of, budget in shorter if of == start]:
        beside[f"the drop at {min(lower):.0%}"] = shorter[start, min(lower)]
    for number in range(len(beside) + 1):
        for names in combinations(beside, number):
            known = pd.DataFrame(before | {name: beside[name] for name in names})
            together = from_other_groups(known.loc[full.index], full["drop_db"])
            compare(", ".join(["these together", *names]), together, full, off=True)


def known_before(table: pd.DataFrame) -> list[str]:
    """The columns that no training of a group is needed for."""
    others = ("affinity", "linearized_db")
    return [name for name in table if name.startswith("distance") or name in others]


def of_results(results: Path, backbone: str, test_set: str) -> pd.DataFrame:
    """The rows that a finished tree has, but for how its trainings began."""
    table = pd.concat(of_budgets(results, backbone, test_set))
    for name, square in of_pairs(results, backbone):
        table[name] = [mean_of_others(square, *row) for row in table[MEMBER].values]
    return table


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


def from_other_groups(known: pd.DataFrame, drops: pd.Series) -> pd.Series:
    """The drops of each group as a ridge regression on all other groups has them."""
    inputs = ((known - known.mean()) / known.std()).assign(constant=1.0)
    ridge = np.diag(np.where(inputs.columns == "constant", 0.0, RIDGE))
    predicted = pd.Series(index=drops.index, dtype=float)
    groups = drops.index.get_level_values("group")
    for group in groups.unique():
        x, y = inputs[groups != group].to_numpy(), drops[groups != group]
        weights = np.linalg.solve(x.T @ x + ridge, x.T @ y)
        predicted[groups == group] = inputs[groups == group].to_numpy() @ weights
    return predicted


def compare(what: str, told: pd.Series, full: pd.DataFrame, off: bool = False) -> None:
    """Prints how well something tells the full drops, and with `off` how far it is off."""
    both = pd.DataFrame({"told": told, "full": full["drop_db"]}).dropna()
    within = both - both.groupby("degradation").transform("mean")
    worst = both.groupby("group").max()
    kinds = {"members": both, "less each degradation's mean": within, "groups' worst": worst}
    correlations = (
        f"{spearmanr(of['told'], of['full']).statistic:+.2f} {name} ({len(of)})"
        for name, of in kinds.items()
    )
    print(f"{what}: Spearman {', '.join(correlations)}", end="")
    if off:
        apart = both["full"] - both["told"]
        print(f"; the full drop is {apart.mean():+.2f} ± {apart.std():.2f} dB more", end="")
    print()


def noise(what: str, rows: pd.DataFrame) -> None:
    """Prints what another seed changes, as the deviation of one training, where there are two."""
    columns = ["drop_db", "psnr_db", "single_db"]
    seeds = [own.set_index(MEMBER)[columns] for _, own in rows.groupby("seed")]
    if len(seeds) == 2:
        apart = (seeds[1] - seeds[0]).dropna()
        spread = (apart.pow(2).mean() / 2).pow(0.5)
        found = ", ".join(f"{name} {value:.2f} dB" for name, value in spread.items())
        print(f"noise of the seed, {what}, {len(apart)} members of groups: {found}")


if __name__ == "__main__":
    main()
