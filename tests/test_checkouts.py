"""Where a checkout may lie, what may become of it, and that nothing is written into it."""

import shutil
import sysconfig
import time
import venv
from os import utime

import pytest
from conftest import Tree, copy_of_sources, write_photographs


def times(checkout):
    return {
        path: path.stat().st_mtime_ns
        for path in checkout.rglob("*")
        if "__pycache__" not in path.parts and path.name != "photographs"
    }


def test_names_with_spaces_and_quotes_are_as_good_as_any(tmp_path):
    checkout = copy_of_sources(tmp_path / "Anna's copy" / 'of "GRIDS"')
    environment = tmp_path / "Anna's copy" / "its environment"
    venv.create(environment, with_pip=False, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "same.pth").write_text(sysconfig.get_path("purelib"))
    tree = Tree(tmp_path / "my folder", checkout)
    tree.program = (str(environment / "bin" / "python"), *tree.program[1:])
    write_photographs(tree.folder / "photographs")
    # Another disk; and the checkout may be read only.
    tree.config["results"] = str(tmp_path / "disk 2" / "results")
    before = times(checkout)
    tree.run(f"{tree.config['results']}/images/pies.parquet")
    assert (tmp_path / "disk 2/results/images/pies.parquet").exists()
    assert times(checkout) == before
    assert {path.name for path in tree.folder.iterdir()} == {
        *("photographs", "config.yaml", ".snakemake")
    }


def test_a_name_that_python_cannot_import_from_is_one_line(tmp_path):
    checkout = copy_of_sources(tmp_path / "12:30" / "grids")
    tree = Tree(tmp_path / "tree", checkout)
    write_photographs(tree.folder / "photographs")
    (line,) = tree.error("all").splitlines()
    assert line.startswith(f"error: {checkout}: ")
    assert line.endswith("rename it")


def test_a_shipped_configuration_that_is_no_yaml_is_named_with_its_line(tmp_path):
    # Snakemake itself would say of it that some "config file is not valid JSON or YAML".
    checkout = copy_of_sources(tmp_path / "checkout")
    shipped = checkout / "config" / "config.yaml"
    shipped.write_text("seed: 1\nsearch:\n  delta: [0.5\nreport: x\n")
    tree = Tree(tmp_path / "tree", checkout)
    write_photographs(tree.folder / "photographs")
    (line,) = tree.error("all").splitlines()
    assert line.startswith(f"error: configuration: {shipped}, line 4, column 7: no YAML: ")


@pytest.fixture
def described(tmp_path):
    """A checkout with its results, whose descriptor is the packaged one."""
    checkout = copy_of_sources(tmp_path / "checkout")
    tree = Tree(checkout, checkout)
    write_photographs(checkout / "photographs")
    tree.config["descriptor"] = {"weights": "packaged"}
    tree.config["degradations"]["poisson_noise"] = tree.config["degradations"]["sr"] = None
    tree.config["search"]["degradations"] = ["gaussian_noise", "jpeg"]
    tree.config["report"] |= {"noise_seeds": []}
    # A clock that went wrong, on the machine that the weights come from.
    later = time.time() + 10**6
    utime(checkout / "grids/packaged/descriptor.safetensors", (later, later))
    return tree


def test_a_copied_checkout_has_its_results(described, tmp_path):
    target = "results/similarity.parquet"
    printed = described.run(target)
    assert printed.count("Describing") == 2
    # What was asked for, and not all that was made on the way.
    listed = printed.partition("Results:\n")[2].splitlines()
    assert [line for line in listed if line.startswith("  ")] == [f"  {target}"]
    copy = described.copy(tmp_path / "copy", tmp_path / "copy")
    shutil.rmtree(described.folder)
    assert copy.jobs(target) == set()
    shutil.rmtree(copy.folder / ".snakemake")
    assert copy.jobs(target) == set()
