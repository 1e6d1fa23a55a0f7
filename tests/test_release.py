"""What a release says of itself: versions, licence, citation, and what its wheel holds."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import jsonschema
import pytest
import yaml
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

# What Citation File Format 1.2.0 wants of the keys that CITATION.cff has.
TEXT = {"type": "string", "minLength": 1}
PERSON = {
    "type": "object",
    "properties": {"given-names": TEXT, "family-names": TEXT},
    "required": ["family-names"],
    "additionalProperties": False,
}
ENTITY = {
    "type": "object",
    "properties": {"name": TEXT},
    "required": ["name"],
    "additionalProperties": False,
}
AUTHORS = {"type": "array", "items": {"anyOf": [PERSON, ENTITY]}, "minItems": 1}
IDENTIFIER = {
    "type": "object",
    "properties": {"type": {"enum": ["doi", "url", "swh", "other"]}, "value": TEXT},
    "required": ["type", "value"],
    "additionalProperties": False,
}
CFF = {
    "type": "object",
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "message": TEXT,
        "type": {"enum": ["software", "dataset"]},
        "title": TEXT,
        "abstract": TEXT,
        "authors": AUTHORS,
        "version": TEXT,
        "date-released": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "license": {"const": "MIT"},
        "keywords": {"type": "array", "items": TEXT, "minItems": 1},
        "preferred-citation": {
            "type": "object",
            "properties": {
                "type": {"const": "conference-paper"},
                "title": TEXT,
                "authors": AUTHORS,
                "year": {"type": "integer"},
                "collection-title": TEXT,
                "conference": ENTITY,
                "identifiers": {"type": "array", "items": IDENTIFIER, "minItems": 1},
            },
            "required": ["authors", "title", "type"],
            "additionalProperties": False,
        },
    },
    "required": ["authors", "cff-version", "message", "title"],
    "additionalProperties": False,
}


def test_the_citation_is_one_that_readers_of_the_format_take():
    # YAML makes a date of the one it knows; the format writes it as text.
    jsonschema.validate(CITATION | {"date-released": str(CITATION["date-released"])}, CFF)


def test_changelog_citation_and_project_name_the_same_version_and_day():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, day = re.search(r"^## (\S+) \((\S+)\)$", changelog, flags=re.MULTILINE).groups()
    assert version == PROJECT["version"] == CITATION["version"]
    assert day == str(CITATION["date-released"])


def test_the_licence_is_declared_where_it_is_looked_for():
    assert PROJECT["license"] == CITATION["license"] == "MIT"
    assert [(ROOT / name).read_text()[:11] for name in PROJECT["license-files"]] == ["MIT License"]
    assert "MIT" in (ROOT / "grids/packaged/descriptor.md").read_text(encoding="utf-8")


ONCE = ("--strategies", "paper", "--instances", "1")


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the checkout, built of a copy: setuptools leaves folders behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "grids", source / "grids", ignore=ignored)
    for name in ("pyproject.toml", "README.md", *PROJECT["license-files"]):
        shutil.copy(ROOT / name, source)
    # Where further weights may lie.
    (source / "grids/packaged/bundle/models").mkdir(parents=True)
    for name in ("bundle.json", "README.md", "models/jpeg+sr.safetensors"):
        (source / "grids/packaged/bundle" / name).touch()
    options = ("--no-deps", "--no-build-isolation", "--no-index")
    pip("wheel", *options, "--wheel-dir", str(folder), str(source))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def python(installed, folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_package_and_its_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    here = [path for path in (ROOT / "grids").rglob("*") if path.is_file()]
    files = {str(p.relative_to(ROOT)) for p in here if p.parent.name != "__pycache__"}
    assert files <= held
    assert "grids/packaged/bundle/models/jpeg+sr.safetensors" in held
    assert "grids/packaged/bundle/bundle.json" in held
    assert f"grids-{PROJECT['version']}.dist-info/licenses/LICENSE" in held


def test_what_is_installed_from_the_wheel_simulates_and_has_its_descriptor(
    forks, installed, tmp_path
):
    told = python(installed, tmp_path, "-m", "grids.cli", "simulate", "published", *ONCE)
    assert "published" in told
    code = (
        "import grids; from grids.configuration import settings; "
        "from grids.descriptors import srresnet; print(grids.__file__); "
        "print(sum(p.numel() for p in srresnet.load(settings.PACKAGED).parameters()))"
    )
    where, parameters = python(installed, tmp_path, "-c", code).split()
    assert where.startswith(str(installed))
    assert parameters == "1517571"


def test_what_is_installed_from_the_wheel_knows_its_modules_by_name(forks, installed, tmp_path):
    code = (
        "from grids.configuration import loading; "
        "loading.load({'degradations': dict.fromkeys(['jpeg', 'sr'], {})}); print('taken')"
    )
    assert python(installed, tmp_path, "-c", code) == "taken\n"
