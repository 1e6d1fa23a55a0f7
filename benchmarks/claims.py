"""Table 1's drops of SRResNet against the paper's, in sign and order, from a finished run.

    python benchmarks/claims.py RESULTS [--test-set kodak24]

RESULTS holds verifications of the single-task models, the mix of all and the paper's four groups,
as config/claims.yaml makes them. Values in dB, positive when the shared model is better than the
single-task one, as the paper writes them; ± is the standard error over the images. The noise of
such a difference is the root mean square of what models of another seed lose or gain, where there
are any.
"""

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from grids.search.drops import measurements
from grids.search.group_names import group_name

BACKBONE = "srresnet"
PUBLISHED = files("grids.search.simulation") / "data" / "published_drops.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--test-set", default="kodak24")
    arguments = parser.parse_args()
    paper = pd.read_csv(PUBLISHED).query("backbone == @BACKBONE and source == 'Table 1'")
    names = sorted(paper["degradation"].unique())
    mix = group_name(names)
    shared = [tuple(group.split("+")) for group in paper["group"].unique()]
    file = f"verify/{BACKBONE}/{{}}/{arguments.test_set}.parquet"
    tables = {
        group: pd.read_parquet(arguments.results / file.format(group_name(group)))
        for group in [*((name,) for name in names), *shared]
    }
    drops, errors = measurements.drops(tables)
    images = tables[names[0],]["image"].nunique()
    print(f"{BACKBONE} on {images} images of {arguments.test_set}\n")
    print("| degradation | single | mix − single | paper | groups − single | paper |")
    print("|---|---|---|---|---|---|")
    rows = []
    for group in sorted(shared, key=len):
        for name in group:
            theirs = paper.query("group == @group_name(@group) and degradation == @name")
            rows.append(
                {
                    "degradation": name,
                    "of": "mix" if group_name(group) == mix else "groups",
                    "ours": -drops[group][name],
                    "error": errors[group][name],
                    "paper": -theirs["drop_db"].item(),
                }
            )
    table = pd.DataFrame(rows).pivot(index="degradation", columns="of")
    for name, row in table.iterrows():
        single = tables[name,]["psnr_db"].mean()
        cells = (
            f"{row['ours', of]:+.2f} ± {row['error', of]:.2f} | {row['paper', of]:+.2f}"
            for of in ("mix", "groups")
        )
        print(f"| {name} | {single:.2f} | {' | '.join(cells)} |")
    means = table[["ours", "paper"]].mean()
    average = (f"{means['ours', of]:+.2f} | {means['paper', of]:+.2f}" for of in ("mix", "groups"))
    print(f"| average | | {' | '.join(average)} |\n")
    for of in ("mix", "groups"):
        ours, theirs = table["ours", of], table["paper", of]
        order = spearmanr(ours, theirs)
        print(
            f"{of}: sign as the paper's for {(np.sign(ours) == np.sign(theirs)).sum()} of "
            f"{len(ours)}, Spearman {order.statistic:+.2f} (p = {order.pvalue:.2g})"
        )
    gain = table["ours", "groups"] - table["ours", "mix"]
    theirs = table["paper", "groups"] - table["paper", "mix"]
    print(
        f"groups − mix: {gain.mean():+.2f} on average (paper {theirs.mean():+.2f}), better for "
        f"{(gain > 0).sum()} of {len(gain)}, Spearman {spearmanr(gain, theirs).statistic:+.2f}"
    )
    print(noise(arguments.results, file, {n: tables[n,]["psnr_db"].mean() for n in names}))


def noise(results: Path, file: str, singles: dict[str, float]) -> str:
    """What other seeds tell of a difference between two models."""
    paths = {name: sorted(results.glob(f"reseeded/*/{file.format(name)}")) for name in singles}
    differences = [
        pd.read_parquet(path)["psnr_db"].mean() - singles[name]
        for name, found in paths.items()
        for path in found
    ]
    if not differences:
        return "noise: no reseeded single-task models there"
    return (
        f"noise of a difference: {np.sqrt(np.mean(np.square(differences))):.2f} dB, from "
        f"{len(differences)} retrained single-task models"
    )


if __name__ == "__main__":
    main()
