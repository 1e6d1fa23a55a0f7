"""The house: what import-linter cannot see of it (its contracts stand in pyproject.toml)."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT

from grids.base.plugins import names_in
from grids.jobs import fingerprints

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
LOADING = [contract for contract in CONTRACTS if "torch" in contract.get("forbidden_modules", [])]
# On the landing, rooms and loose files; who adds one has a reason that docs/design.md tells.
DOORS = 23
# Pairs of rooms of which one imports from the other, anywhere in a file; likewise.
PAIRS = 65
IMPORT = re.compile(r"^ *(?:from|import) grids(?:\.(\w+)|\b)", re.MULTILINE)


def test_packages_are_empty_but_for_their_docstring():
    for path in (ROOT / "grids").rglob("__init__.py"):
        (only,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(only, ast.Expr), path
        assert isinstance(only.value.value, str), path


def test_few_doors_stand_on_the_landing():
    doors = [path for path in (ROOT / "grids").iterdir() if not path.name.startswith("_")]
    assert len(doors) <= DOORS


def test_modules_are_imported_by_name():
    """A room by itself would have only those modules that something else has loaded before."""
    rooms = {path.parent for path in (ROOT / "grids").rglob("__init__.py")}
    code = [*(ROOT / "grids").rglob("*.py"), *(ROOT / "workflow" / "scripts").glob("*.py")]
    for path in code:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("grids") for name in node.names), path
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grids"):
                room = ROOT.joinpath(*node.module.split("."))
                assert not any(room / name.name in rooms for name in node.names), path


def test_few_rooms_know_one_another():
    package, pairs = ROOT / "grids", set()
    for path in package.rglob("*.py"):
        room = path.relative_to(package).with_suffix("").parts[0]
        known = set(IMPORT.findall(path.read_text(encoding="utf-8")))
        assert "" not in known, f"{path}: names no room"
        pairs |= {(room, other) for other in known - {room}}
    assert len(pairs) <= PAIRS, sorted(pairs)


def test_contracts_say_what_must_not_be_loaded():
    assert [contract["name"] for contract in LOADING] == [
        "Planning loads no torch",
        "Choosing loads neither torch nor SciPy nor tables",
        "Restoring loads torch by the runtime of that name alone",
    ]


def test_no_network_is_forgotten_in_the_contract():
    (contract,) = (c for c in CONTRACTS if c["name"] == "Networks do not know one another")
    assert contract["modules"] == [f"grids.backbones.{name}" for name in names_in("backbones")]


def test_helper_files_of_the_rules_stay_short():
    for path in [ROOT / "rules" / "common.smk", *(ROOT / "rules" / "common").glob("*.smk")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 150, path


def test_modules_without_effect_on_results_are_there():
    for module in fingerprints.WITHOUT_EFFECT:
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module


@pytest.mark.parametrize("contract", LOADING, ids=lambda contract: contract["name"])
def test_what_must_not_be_loaded_is_not_loaded(contract):
    """Imports really done, those of libraries among them."""
    rooms = [ROOT / module.replace(".", "/") for module in contract["source_modules"]]
    files = [
        path
        for room in rooms
        for path in (sorted(room.rglob("*.py")) if room.is_dir() else [room.with_suffix(".py")])
    ]
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files
    ]
    code = f"import sys; import {', '.join(modules)}; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    loaded = set(ast.literal_eval(done.stdout))
    assert not loaded & set(contract["forbidden_modules"])
