"""The places that name versions say the same."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def pins(lines):
    return {
        canonicalize_name(name): version for name, version in (line.split("==") for line in lines)
    }


def locked():
    return pins((ROOT / "requirements.lock").read_text().split())


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared(*extras):
    lines = sum(
        (project()["optional-dependencies"][extra] for extra in extras), project()["dependencies"]
    )
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def conda():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return pins(dependencies[-1]["pip"])


def test_locked_versions_are_what_the_project_declares():
    for name, requirement in declared(*project()["optional-dependencies"]).items():
        assert locked()[name] in requirement.specifier, name


def test_conda_environment_pins_what_the_project_declares_as_locked():
    assert conda() == {name: locked()[name] for name in declared("test", "workflow")}


def test_lock_names_exact_versions_only():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][^ ]*", line), line


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_images_are_of_one_python_and_hold_the_same_files():
    images = [text(name) for name in ("Dockerfile", "apptainer.def")]
    assert all(
        "python:3.11-slim" in image and "/grids/requirements.lock" in image for image in images
    )
    assert "python=3.11" in text("environment.yml")
    held = re.findall(r"^!(\S+)$", text(".dockerignore"), flags=re.MULTILINE)
    assert held == re.findall(r"^    (\S+) /grids/$", text("apptainer.def"), flags=re.MULTILINE)
    assert all((ROOT / name).exists() for name in held)


def test_the_runner_of_github_calls_targets_that_there_are():
    job = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]["part"]
    known = set(re.findall(r"^([a-z-]+):", text("Makefile"), flags=re.MULTILINE))
    parts = job["strategy"]["matrix"]["include"]
    assert {part["name"] for part in parts} == {"lint", "tests", "smallest form", "report"}
    called = {target for part in parts for target in part["targets"].split()}
    assert called <= known
    # All of .ci/run, but for what brings up a cluster.
    assert called | {"test-slurm"} >= set(re.findall(r"make ([a-z-]+)", text(".ci/run")))


def test_the_workflow_catalogue_is_told_what_it_asks_for():
    usage = yaml.safe_load(text(".snakemake-workflow-catalog.yml"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert all((ROOT / name).is_file() for name in ("workflow/Snakefile", "config/README.md"))
