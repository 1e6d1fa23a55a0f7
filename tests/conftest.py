"""A tiny workflow that tests run for real: four degradations, seconds."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from grids.modules import names_in

ROOT = Path(__file__).parents[1]

SMALLEST = yaml.safe_load((ROOT / "config" / "smallest.yaml").read_text(encoding="utf-8"))
FOUR = {name: {} for name in SMALLEST["search"]["degradations"]}
TINY = SMALLEST | {
    "results": "results",
    "degradations": dict.fromkeys(names_in("degradations")) | FOUR,
    "search": {"delta": 2.0},
    "execution": {"device": "cpu"},
}


class Tree:
    """A folder with a configuration, in which Snakemake is run on the checkout's workflow."""

    def __init__(self, folder: Path, root: Path = ROOT):
        self.folder = folder
        self.root = root
        self.config = copy.deepcopy(TINY)

    def path(self, name: str) -> Path:
        return self.folder / "results" / name

    def snakemake(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "snakemake",
                "--snakefile",
                self.root / "Snakefile",
                "--workflow-profile",
                self.root / "profiles" / "default",
                "--configfile",
                "config.yaml",
                "--cores",
                "2",
                *arguments,
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            **options,
        )

    def run(self, *targets: str) -> str:
        done = self.snakemake(*targets)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def jobs(self, *targets: str) -> set[str]:
        """Output files that a dry run would make, relative to the results folder."""
        done = self.snakemake("--dry-run", "--quiet", "progress", *targets)
        assert done.returncode == 0, done.stdout + done.stderr
        listed = done.stdout + done.stderr
        return {
            name.strip().removeprefix("results/")
            for line in listed.splitlines()
            if line.strip().startswith("output: ")
            for name in line.split("output: ")[1].split(", ")
        }

    def error(self, *arguments: str) -> str:
        """The one line of a run that must fail."""
        done = self.snakemake(*arguments)
        assert done.returncode != 0
        lines = [line for line in done.stderr.splitlines() if "rror" in line]
        return "\n".join(lines)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished tree, run once; tests must leave it as it is."""
    tree = Tree(tmp_path_factory.mktemp("finished"))
    tree.run("all")
    return tree
