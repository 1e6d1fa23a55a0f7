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
    assert conda() == {name: locked()[name] for name in declared("test")}


def test_lock_names_exact_versions_only():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][^ ]*", line), line
