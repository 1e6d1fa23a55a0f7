"""The workflow taken from a repository, as `snakedeploy` sets it up: without a checkout."""

import os
import shutil
import subprocess

import preloaded
import pytest
import yaml
from conftest import ROOT, TINY, write_photographs

# What `snakedeploy deploy-workflow https://github.com/someone/grids . --tag v0` writes.
SNAKEFILE = """
configfile: "config/config.yaml"

module grids:
    snakefile:
        github("someone/grids", path="workflow/Snakefile", tag="v0")
    config:
        config

use rule * from grids
"""
PARTS = ("Snakefile", "rules", "workflow", "profiles", "config", "environment.yml")


@pytest.fixture
def deployed(tmp_path, monkeypatch):
    """A folder with that Snakefile, and a stand-in for the host of the repository."""
    repository = tmp_path / "host" / "someone" / "grids"
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        repository.mkdir(parents=True, exist_ok=True)
        copy(source, repository / part)
    git = ("git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@example.org")
    for arguments in ("init -q", "add .", "commit -q -m all", "tag v0"):
        subprocess.run([*git, *arguments.split()], check=True)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{tmp_path}/host/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "deployed"
    for part in ("config", "profiles"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "workflow").mkdir()
    (folder / "workflow" / "Snakefile").write_text(SNAKEFILE)
    write_photographs(folder / "photographs")
    (folder / "mine.yaml").write_text(yaml.safe_dump(TINY))
    return folder


def run(folder, *arguments, **environment):
    command = [preloaded.python(), "-m", "snakemake", "--cores", "1", "--configfile", "mine.yaml"]
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_rules_and_scripts_are_fetched_and_the_package_is_the_installed_one(deployed):
    done = run(deployed, "--", "results/pies/jpeg.parquet")
    assert done.returncode == 0, done.stderr
    assert (deployed / "results" / "pies" / "jpeg.parquet").is_file()
    again = run(deployed, "--", "results/pies/jpeg.parquet")
    assert "Nothing to be done" in again.stdout + again.stderr
