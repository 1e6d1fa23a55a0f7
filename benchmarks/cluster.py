"""What it costs on a cluster to submit jobs of seconds one by one instead of grouped.

python benchmarks/cluster.py [--jobs 2]

Brings up the cluster of the tests, so it needs what `make test-slurm` needs. Runs the same stages
there with the profile as shipped and with its groups taken out; Snakemake asks for its jobs every
second. Prints jobs, submissions and seconds, and the seconds as a ratio to those of the groups.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "slurm")]

from cluster import Cluster, why_not  # noqa: E402
from conftest import SMALLEST, TINY, write_photographs  # noqa: E402
from trees import ClusterTree  # noqa: E402

# Name, configuration, target.
STAGES = (
    ("to the similarity matrix", SMALLEST | {"results": "results"}, "results/similarity.parquet"),
    ("tests' tree, all", TINY, "all"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(f"error: {reason}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cluster = Cluster(folder / "cluster")
        try:
            cluster.start()
            compare(folder, options.jobs)
        finally:
            cluster.stop()


def compare(folder: Path, jobs: int) -> None:
    profiles = {"grouped": ROOT / "slurm", "one by one": without_groups(folder / "profile")}
    print(f"{'stage':<26} {'form':<12} {'jobs':>5} {'submissions':>12} {'seconds':>8} {'ratio':>6}")
    for number, (stage, config, target) in enumerate(STAGES):
        reference = None
        for form, profile in profiles.items():
            tree = ClusterTree(folder / f"{number}-{form}")
            write_photographs(tree.folder / "photographs")
            tree.config = config
            shipped = ROOT / "slurm"
            tree.program = [profile if part == shipped else part for part in tree.program]
            began = time.monotonic()
            printed = tree.run("--jobs", str(jobs), target)
            seconds = time.monotonic() - began
            reference = reference or seconds
            submissions = printed.count("has been submitted with SLURM jobid")
            print(
                f"{stage:<26} {form:<12} {executed(printed):>5} {submissions:>12}"
                f" {seconds:>8.0f} {seconds / reference:>6.2f}",
                flush=True,
            )


def without_groups(profile: Path) -> Path:
    """A copy of the shipped profile in which every job is submitted by itself."""
    settings = yaml.safe_load((ROOT / "slurm" / "config.yaml").read_text(encoding="utf-8"))
    del settings["groups"], settings["group-components"]
    profile.mkdir()
    (profile / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return profile


def executed(printed: str) -> int:
    """Jobs that a run has executed, by Snakemake's last count."""
    return int(re.findall(r"(\d+) of \d+ steps", printed)[-1])


if __name__ == "__main__":
    main()
