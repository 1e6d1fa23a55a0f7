"""The workflow in other hands, on copies of one finished tree."""

import json
import os
import re
import shutil

import pytest
from conftest import ROOT
from messages import MATRIX

MODULE = """
configfile: "{root}/config/config.yaml"
configfile: "config.yaml"
config["results"] = "{results}"
config["search"]["delta"] = 3.0

rule mine:
    default_target: True
    input: "own.txt"

rule own:
    input: "{results}/similarity.parquet"
    output: "own.txt"
    script: "own.py"

module grids:
    snakefile: "{root}/workflow/Snakefile"
    config: config

use rule * from grids as grids_*

use rule ggd from grids as grids_ggd with:
    threads: 2

onstart:
    grids.onstart()

onsuccess:
    grids.onsuccess()
"""


class TestOtherHands:
    """As a module, under another profile, in another place."""

    @pytest.mark.parametrize("profile", [["--workflow-profile", "none"], []])
    def test_another_profile_trains_nothing_again(self, finished, tmp_path, checkout, profile):
        script = checkout / "workflow/scripts/train.py"
        script.write_text("# Of a training.\n" + script.read_text())
        for path in checkout.rglob("*"):
            os.utime(path)
        tree = finished.copy(tmp_path / "tree", checkout)
        tree.profile = profile
        # Taken instead of the workflow's own.
        (tree.folder / "default").mkdir()
        (tree.folder / "default/config.yaml").write_text("printshellcmds: true\n")
        assert tree.jobs("all") == set()

    def test_a_profile_without_the_triggers_that_count_is_named(self, other):
        other.config["search"]["delta"] = 3.0
        said = other.run("--dry-run", "all", "--rerun-triggers", "mtime")
        assert said.count("warning: --rerun-triggers without input, params: ") == 1

    def test_as_a_module_of_another_workflow(self, finished, tmp_path):
        tree = finished.copy(tmp_path / "tree")
        results = tmp_path / "another disk"
        tree.path("").rename(results)
        # What comes before the search is made under these names too.
        for made in ("similarity.parquet", "ggd/jpeg.parquet", "pies/jpeg.parquet"):
            (results / made).unlink()
        (tree.folder / "own.py").write_text("open(snakemake.output[0], 'w')")
        (tree.folder / "Snakefile").write_text(MODULE.format(root=ROOT, results=results))
        tree.options = list
        printed = tree.run()
        assert re.findall(r"^Finished jobid: .*Rule: (.*)\)$", printed, re.MULTILINE) == [
            *("grids_degraded_pies", "grids_ggd", "grids_similarity", "own", "mine")
        ]
        assert "localrules" not in printed
        # A search, by a checkpoint and rules of other names, and what follows from the law.
        following = MATRIX - {"Comparing the degradations"}
        assert tree.executed("grids_all") == following | {
            "Drawing the contact sheet of the degradations"
        }
        assert json.loads((results / "groups.json").read_text())["delta"] == 3.0
        assert json.loads((results / "settings.json").read_text())["search"]["delta"] == 3.0
        # Its own scripts count by their time as ever; those of the module by their fingerprint.
        (tree.folder / "own.py").touch()
        printed = tree.run("-n", "mine", "grids_all")
        assert re.findall(r"^(\w+) +1$", printed, re.MULTILINE)[:2] == ["own", "mine"]
        assert tree.jobs("grids_all") == set()
        # Records know the rules by the names that they have without an importer.
        shutil.rmtree(tree.folder / ".snakemake")
        snakefile = (tree.folder / "Snakefile").read_text()
        (tree.folder / "Snakefile").write_text(snakefile.replace("3.0", "4.0"))
        assert "Planning round 0 of the search" in tree.jobs("grids_all")
