"""What the documentation says, as far as it can be tried: links and examples."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "config/README.md")),
    ROOT / "grids/packaged/descriptor.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
EXAMPLES = ("vignetting.py", "plain.py", "charbonnier.py", "only_pairs.py")
NETWORK = """
import torch
from grids.base.plugins import options_of
from grids.models.restorers import build
assert options_of("backbones", "plain") == {"features": 32}
assert build("plain", {"features": 4})(torch.rand(2, 3, 17, 23)).shape == (2, 3, 17, 23)
"""

PROCEDURE = """
import torch
from grids.base.plugins import options_of
from grids.models import restorers
from grids.training.procedure import Task, build
assert options_of("training/procedures", "charbonnier") == {"width": 1e-3}
network = restorers.build("plain", {})
procedure = build("charbonnier", network, Task(1, 1, print), {"width": 0.5})
(loss,) = procedure.phase(0).losses.values()
image = torch.rand(2, 3, 8, 8)
assert torch.allclose(loss(lambda source: source, image, image + 1.2), torch.tensor(1.3))
"""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_links_to_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_files_that_the_pages_name_exist():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"\b(?:docs|grids|rules|tests|benchmarks)/[\w/]+\.(?:md|py)", text):
            example = name.rpartition("/")[2] in EXAMPLES
            assert example or (ROOT / name).exists(), f"{page}: {name}"


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the package with the modules of docs/extending.md."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    network, procedure, strategy = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "grids", folder / "grids")
    (folder / "grids/backbones/plain.py").write_text(network, encoding="utf-8")
    (folder / "grids/training/procedures/charbonnier.py").write_text(procedure, encoding="utf-8")
    (folder / "grids/search/strategies/only_pairs.py").write_text(strategy, encoding="utf-8")
    return folder


def python(folder, *arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_network_and_the_procedure_of_the_documentation_are_ones(extended, forks):
    python(extended, "-c", NETWORK + PROCEDURE)


def test_the_strategy_of_the_documentation_is_one(extended, forks):
    options = ("--strategies", "only_pairs", "--n", "5", "--instances", "2")
    told = python(extended, "-m", "grids.cli", "simulate", "linear", *options)
    assert re.search(r"only_pairs\s+1\s+2\s+10\.0", told), told
