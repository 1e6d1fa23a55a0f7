"""A tiny workflow that tests run for real: four degradations, seconds."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]

TINY = {
    "results": "results",
    "seed": 0,
    "images": {"train": "embedded", "pies": "embedded", "tests": {"embedded": "embedded"}},
    "degradations": {"gaussian_noise": {}, "jpeg": {}, "poisson_noise": {}, "sr": {}},
    "pies": {"patches": 24, "size": 16},
    "descriptor": {"features": 4, "blocks": 1, "iterations": 3, "batch": 1, "patch": 8},
    "ggd": {"components": 6, "replicates": 2},
    "search": {"delta": 0.5, "test_set": "embedded"},
    "backbones": {"srresnet": {"features": 4, "blocks": 1}},
    "training": {"iterations": 3, "batch": 2, "patch": 16, "warmup": 0, "learning_rate": 0.001},
    "report": {"noise_seeds": [1], "noise_degradations": ["jpeg"]},
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
