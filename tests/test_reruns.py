"""What runs again after a change: exactly the affected jobs, on a finished tree.

On copies of one finished tree. Jobs are named by their messages. Most are dry runs; where a change
reaches the search, a dry run sees the next plan and not what follows from it, so some are executed.
"""

import base64
import copy
import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, Tree, copy_of_sources, write_photographs
from moves import move
from PIL import Image
from safetensors.torch import load_file

from grids.runs.orphans import orphans, wanted

DEGRADATIONS = ("gaussian_noise", "jpeg", "poisson_noise", "sr")
MIX = "+".join(DEGRADATIONS)

FIGURES = {
    "Writing Table 1: srresnet on own",
    "Drawing drop against distance",
}
SEARCH = {"Planning round 0 of the search", "Writing the groups", *FIGURES}
MATRIX = {
    "Comparing the degradations",
    "Ranking the groups",
    "Drawing the similarity matrix",
    "Drawing the fitted densities",
} | SEARCH


def train(group, backbone="srresnet"):
    return {f"Training {backbone} on {group}"}


def verify(group, test_set="own"):
    return {f"Verifying srresnet on {group} with {test_set}"}


def reseeded(name):
    return {
        f"Training srresnet on {name} with seed 1",
        f"Verifying srresnet on {name} with own, seed 1",
    }


def every(function):
    return set().union(*(function(group) for group in (*DEGRADATIONS, MIX)))


JPEG = {
    "Degrading the PIES patches: jpeg",
    "Describing jpeg",
    "Drawing the contact sheet of the degradations",
    *MATRIX,
    *train("jpeg"),
    *verify("jpeg"),
    *train(MIX),
    *verify(MIX),
}


PICTURES = {
    f"Restoring samples with srresnet of {MIX}",
    f"Drawing the training of srresnet on {MIX}",
}
AGAIN = JPEG | PICTURES | reseeded("jpeg")


def trainings(jobs):
    return {job for job in jobs if job.startswith("Training srresnet")}


@pytest.fixture
def other(finished, tmp_path):
    return finished.copy(tmp_path / "tree")


@pytest.fixture
def checkout(tmp_path):
    return copy_of_sources(tmp_path / "checkout")


@pytest.fixture
def edited(finished, tmp_path, checkout):
    """Edits a module of a copied checkout; the tree that uses it."""

    def edit(name, old=None, new=""):
        path = checkout / name
        text = path.read_text(encoding="utf-8")
        assert old is None or old in text
        changed = f"{text}\nMORE = 1\n" if old is None else text.replace(old, new)
        path.write_text(changed, encoding="utf-8")
        return finished.copy(tmp_path / "tree", checkout)

    return edit


class TestNothingRuns:
    def test_untouched(self, other):
        assert other.jobs("all") == set()

    def test_other_checkout_with_other_times(self, finished, tmp_path, checkout):
        for path in checkout.rglob("*"):
            os.utime(path)
        assert finished.copy(tmp_path / "tree", checkout).jobs("all") == set()

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("grids/similarity/ggd.py", "def fit(", "# Moments.\ndef fit("),
            ("grids/degradations/jpeg.py", '"""JPEG', '"""The JPEG'),
            ("grids/models/evaluation.py", "rows = []", "rows   =   []"),
            ("workflow/scripts/verify.py", "with job", "# A job.\nwith job"),
            ("grids/base/progress.py", "ETA", "left"),
            ("rules/train.smk", "# Needs", "# It needs"),
        ],
    )
    def test_comments_docstrings_formatting_and_wording(self, edited, name, old, new):
        assert edited(name, old, new).jobs("all") == set()

    def test_a_module_moved(self, finished, tmp_path, checkout):
        move(checkout, "similarity.ggd", "laws.moments")
        move(checkout, "training.schedule", "training.rates")
        assert finished.copy(tmp_path / "tree", checkout).jobs("all") == set()

    def test_order_of_keys_and_of_degradations(self, other):
        config = {key: other.config[key] for key in reversed(other.config)}
        names = reversed(list(config["degradations"]))
        config["degradations"] = {name: config["degradations"][name] for name in names}
        config["training"] = dict(reversed(config["training"].items()))
        other.config = config
        assert other.jobs("all") == set()

    def test_how_it_is_computed(self, other):
        other.config["execution"] = {"device": "auto", "threads": 2, "checkpoint_minutes": 3}
        assert other.jobs("all") == set()

    def test_what_is_asked_of_a_cluster(self, other):
        more = {"mem_mb": 9000, "runtime": 99, "gpus": 1, "partition": "gpu"}
        kinds = ("prepare", "describe", "train", "verify")
        other.config["resources"] = {"account": "lab"} | dict.fromkeys(kinds, more)
        assert other.jobs("all") == set()


class TestPhotographs:
    @pytest.mark.parametrize("side", [70, 800])  # below and above the size that Snakemake hashes
    def test_a_touched_one_makes_nothing_run(self, tree, side):
        for name in ("train", "pies", "own"):
            pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tree.folder / "photographs" / name / "0.png")
        targets = ["results/pies/jpeg.parquet", "results/verify/srresnet/jpeg/own.parquet"]
        tree.run(*targets)
        time.sleep(0.01)
        for name in ("train", "pies", "own"):
            (tree.folder / "photographs" / name / "0.png").touch()
        assert tree.jobs(*targets) == set()

    def added(self, tree, name):
        source = tree.folder / "photographs" / name
        shutil.copy(source / "0.png", source / "9.png")

    def test_one_added_to_train_trains_all_again(self, other):
        self.added(other, "train")
        jobs = other.jobs("all")
        assert trainings(jobs) == every(train) | train("jpeg with seed 1")
        assert "Training the descriptor" in jobs  # of this configuration, on these photographs
        assert not {job for job in jobs if job.startswith("Degrading")}

    def test_one_added_to_pies_trains_nothing(self, other):
        self.added(other, "pies")
        jobs = other.jobs("all")
        assert jobs == {
            "Indexing the photographs of pies",
            "Cutting the clean PIES patches",
            "Drawing the contact sheet of the degradations",
            *(f"Degrading the PIES patches: {name}" for name in DEGRADATIONS),
            *(f"Describing {name}" for name in DEGRADATIONS),
            *MATRIX,
        }

    def test_one_changed_while_the_workflow_runs_is_noticed(self, other):
        (index,) = other.path("images/own").glob("*.parquet")
        index.unlink()
        shutil.copy(*(other.folder / "photographs" / "own" / f"{i}.png" for i in (1, 0)))
        done = other.snakemake(f"results/images/own/{index.name}")
        assert done.returncode != 0
        assert "photographs changed while the workflow ran; run it again" in done.stdout
        assert not index.exists()

    def test_a_replaced_one_with_an_old_time_is_noticed(self, other):
        path = other.folder / "photographs" / "own" / "0.png"
        then = path.stat()
        shutil.copy(other.folder / "photographs" / "own" / "1.png", path)
        os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns - 10**12))
        assert every(verify) <= other.jobs("all")


class TestConfiguration:
    def test_a_parameter_of_one_degradation(self, other):
        other.config["degradations"]["jpeg"] = {
            "evaluation": {"quality": 20},
            "training": {"quality": [20, 30]},
        }
        jobs = other.executed("all")
        assert jobs >= AGAIN
        # The search may ask for more: groups with jpeg only, the others are trained.
        more = jobs - AGAIN
        assert all("jpeg" in job or job.startswith("Planning") for job in more)

    def test_delta_reuses_every_training(self, other):
        other.config["search"]["delta"] = 3.0
        jobs = other.executed("all")
        assert jobs == SEARCH
        assert json.loads(other.path("groups.json").read_text())["delta"] == 3.0

    def test_a_smaller_delta_trains_what_is_newly_asked_for_only(self, other):
        before = set(os.listdir(other.path("models/srresnet")))
        other.config["search"]["delta"] = 0.001
        jobs = other.executed("all")
        again = {f"Training srresnet on {group}" for group in before}
        assert not trainings(jobs) & again
        assert other.jobs("all") == set()

    def test_a_test_set_added(self, other):
        shutil.copytree(other.folder / "photographs/own", other.folder / "photographs/more")
        other.config["images"]["tests"]["more"] = "photographs/more"
        other.config["report"]["test_sets"] = ["own", "more"]
        jobs = other.executed("all")
        found = json.loads(other.path("groups.json").read_text())["groups"]
        groups = {*DEGRADATIONS, MIX, *(group["name"] for group in found)}
        assert jobs == {
            "Indexing the photographs of more",
            "Decoding the photographs of more",
            "Writing Table 1: srresnet on more",
            *(job for group in groups for job in verify(group, "more")),
        }

    @pytest.mark.parametrize(
        ("section", "value"),
        [("training", {"iterations": 4}), ("backbones", {"srresnet": {"features": 5}})],
    )
    def test_training_settings(self, other, section, value):
        for key, entry in value.items():
            if isinstance(entry, dict):
                other.config[section][key].update(entry)
            else:
                other.config[section][key] = entry
        jobs = other.jobs("all")
        assert jobs == every(train) | every(verify) | reseeded("jpeg") | PICTURES | SEARCH

    def test_a_further_degradation(self, other):
        other.config["degradations"]["haze"] = {}
        jobs = other.executed("all")
        assert {
            "Degrading the PIES patches: haze",
            "Describing haze",
            *MATRIX,
            *train("haze"),
            *verify("haze"),
        } <= jobs
        assert not {f"Describing {name}" for name in DEGRADATIONS} & jobs
        assert all("haze" in job for job in trainings(jobs))


REAL_AGAIN = reseeded("real") | {
    "Restoring samples with srresnet of jpeg+real",
    "Drawing the training of srresnet on jpeg+real",
}


def write_pair(folder, side, name, pixels):
    path = folder / "pairs" / side / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """A finished tree of two degradations, one of them a folder of pairs."""
    folder = tmp_path_factory.mktemp("paired")
    write_photographs(folder / "photographs")
    for number, path in enumerate(sorted((folder / "photographs/train").iterdir())):
        name = f"{('train', 'train', 'pies', 'pies', 'test')[number]}{number}.png"
        pixels = np.asarray(Image.open(path))
        write_pair(folder, "clean", name, pixels)
        write_pair(folder, "noisy", name, pixels // 2)
    tree = Tree(folder)
    tree.config["degradations"] = dict.fromkeys(tree.config["degradations"]) | {
        "jpeg": {},
        "real": {
            "pairs": {
                "degraded": "pairs/noisy",
                "clean": "pairs/clean",
                "split": {"train": "train*", "pies": "pies*", "test": "test*"},
            }
        },
    }
    tree.config["search"]["degradations"] = ["jpeg", "real"]
    tree.config["report"]["noise_degradations"] = ["real"]
    tree.run("all")
    return tree


class TestPairs:
    MIX = "jpeg+real"
    EVERY = ("jpeg", "real", MIX)

    @pytest.fixture
    def other(self, paired, tmp_path):
        return paired.copy(tmp_path / "tree")

    def change(self, tree, side, name):
        """Changes a pixel of a pair's image."""
        path = tree.folder / "pairs" / side / name
        pixels = np.array(Image.open(path))
        pixels[5, 5] ^= 1
        write_pair(tree.folder, side, name, pixels)

    def stores(self, part):
        return {
            f"Indexing the photographs of real.{part}",
            f"Decoding the photographs of real.{part}",
        }

    def again(self, groups):
        return set().union(*(train(group) | verify(group) for group in groups))

    def test_nothing_runs_again_untouched_or_touched(self, other, monkeypatch):
        for path in (other.folder / "pairs").rglob("*.png"):
            path.touch()
        assert other.jobs("all") == set()
        pies = pd.read_parquet(other.path("pies/real.parquet"))
        assert pies["id"].str.startswith("pair_").all()
        assert len(pies) == other.config["pies"]["patches"]
        verified = pd.read_parquet(other.path("verify/srresnet/jpeg+real/own.parquet"))
        assert verified.groupby("degradation")["image"].nunique().to_dict() == {
            "jpeg": 5,
            "real": 1,
        }
        text = other.path("report/table1_srresnet_own.txt").read_text(encoding="utf-8")
        assert "Measured on test pairs of its own, not on own: real." in text
        monkeypatch.chdir(other.folder)
        assert list(orphans(Path("results"), wanted(other.options()))) == []

    def test_what_selection_cannot_choose_for_is_said(self, other):
        done = other.snakemake("--dry-run", "results/bundle")
        assert done.returncode != 0
        assert "selection.groups: real is given as pairs" in done.stdout

    @pytest.mark.parametrize("side", ["noisy", "clean"])
    def test_a_pair_to_train_on(self, other, side):
        self.change(other, side, "train0.png")
        assert other.jobs("all") == (
            self.stores("train") | self.again(["real", self.MIX]) | REAL_AGAIN | SEARCH
        )

    def test_a_pair_for_pies(self, other):
        self.change(other, "noisy", "pies2.png")
        assert other.jobs("all") == {
            *self.stores("pies"),
            "Cutting the PIES patches of the pairs: real",
            "Describing real",
            "Drawing the contact sheet of the degradations",
            *MATRIX,
        }

    def test_a_pair_to_test_on(self, other):
        self.change(other, "clean", "test4.png")
        assert other.jobs("all") == {
            *self.stores("test"),
            *verify("real"),
            *verify(self.MIX),
            "Verifying srresnet on real with own, seed 1",
            f"Restoring samples with srresnet of {self.MIX}",
            *SEARCH,
        }

    def test_a_pair_more(self, other):
        for side in ("noisy", "clean"):
            write_pair(other.folder, side, "test9.png", np.zeros((40, 50, 3), np.uint8))
        jobs = other.jobs("all")
        assert verify("real") <= jobs
        assert not {job for job in jobs if job.startswith(("Training", "Describing"))}

    def test_a_photograph_to_test_on(self, other):
        source = other.folder / "photographs" / "own"
        shutil.copy(source / "0.png", source / "9.png")
        jobs = other.jobs("all")
        assert set().union(*map(verify, self.EVERY)) <= jobs
        assert not {job for job in jobs if job.startswith("Training")}

    def test_what_operators_alone_are_made_with_knows_no_pairs(self, other):
        record = json.loads(
            other.path("records/models/srresnet/jpeg/model.safetensors.json").read_text()
        )
        assert set(record["params"]) == {
            *("content", "recipe", "sampling", "group", "sizes", "seed", "code")
        }
        assert record["params"]["group"] == {"jpeg": {"quality": [10, 40]}}

    def test_severities_of_pairs_are_refused(self, other):
        done = other.snakemake("results/severity/real.parquet")
        assert done.returncode != 0
        assert "real is given as pairs, which have no severities" in done.stdout


class TestCode:
    def test_of_one_degradation(self, edited):
        assert edited("grids/degradations/jpeg.py").jobs("all") == AGAIN

    def test_of_the_estimate(self, edited):
        jobs = edited("grids/similarity/ggd.py").jobs("all")
        assert jobs == {f"Describing {name}" for name in DEGRADATIONS} | MATRIX

    def test_of_the_training(self, edited):
        jobs = edited("grids/training/schedule.py").jobs("all")
        assert every(train) | every(verify) <= jobs
        assert not {job for job in jobs if job.startswith(("Degrading", "Cutting"))}

    def test_of_the_strategy(self, edited):
        assert edited("grids/search/strategies/active.py").jobs("all") == SEARCH

    def test_of_a_figure(self, edited):
        jobs = edited("grids/report/drop_distance.py").jobs("all")
        assert jobs == {"Drawing drop against distance"}

    def test_of_reading_photographs(self, edited):
        jobs = edited("grids/images/reading.py").jobs("all")
        assert every(train) <= jobs
        assert {f"Describing {name}" for name in DEGRADATIONS} <= jobs

    def test_of_finding_photographs(self, edited):
        tree = edited("grids/images/sets.py", '(".png"', '(".gif", ".png"')
        assert tree.jobs("all") == set()

    def test_an_edit_can_be_accepted(self, edited):
        tree = edited("grids/training/schedule.py")
        assert every(train) <= tree.jobs("all")
        before = load_file(tree.path("models/srresnet/jpeg/model.safetensors"))
        tree.run("--touch", "all")
        assert tree.jobs("all") == set()
        shutil.rmtree(tree.folder / ".snakemake")
        # Times are all that is left to go by: what is quick may run again.
        assert tree.jobs("all") <= {"Writing the groups", *FIGURES}
        after = load_file(tree.path("models/srresnet/jpeg/model.safetensors"))
        assert all(np.array_equal(before[name], after[name]) for name in before)

    def test_only_what_was_touched_is_accepted(self, edited, checkout):
        tree = edited("grids/training/schedule.py")
        path = checkout / "grids" / "similarity" / "matrix.py"
        path.write_text(path.read_text(encoding="utf-8") + "\nMORE = 1\n", encoding="utf-8")
        tree.run("--touch", "results/similarity.parquet")
        shutil.rmtree(tree.folder / ".snakemake")
        model = "results/models/srresnet/jpeg/model.safetensors"
        said = tree.snakemake("--dry-run", model).stdout
        assert f"{model} (code)" in said
        assert "similarity.parquet (code)" not in said

    def test_an_edit_can_be_accepted_in_the_middle_of_a_search(self, other):
        other.config["search"]["delta"] = 0.001
        other.run("results/search/0.json")
        asked = json.loads(other.path("search/0.json").read_text())["requests"]
        ahead = {job for group in asked for job in train(group)}
        assert trainings(other.jobs("all")) == ahead
        other.run("--touch", "all")
        assert trainings(other.jobs("all")) == ahead


class TestRepair:
    @pytest.mark.parametrize(
        ("name", "job"),
        [
            ("ggd/jpeg.parquet", "Describing jpeg"),
            ("verify/srresnet/jpeg/own.parquet", "Verifying srresnet on jpeg with own"),
            ("models/srresnet/jpeg/model.safetensors", "Training srresnet on jpeg"),
            ("report/similarity.svg", "Drawing the similarity matrix"),
        ],
    )
    def test_a_deleted_file_is_made_again_and_nothing_else(self, other, name, job):
        other.path(name).unlink()
        assert other.executed(f"results/{name}") == {job}
        # The same bytes: what was made from them stands.
        assert other.jobs("all") == set()

    def test_a_deleted_plan_is_planned_again(self, other):
        other.path("search/0.json").unlink()
        other.run("all", "results/search/0.json")
        assert other.path("search/0.json").exists()
        assert other.jobs("all") == set()

    def test_all_includes_the_models_of_the_groups(self, other):
        found = json.loads(other.path("groups.json").read_text())["groups"][0]
        (other.folder / found["model"]).unlink()
        assert trainings(other.executed("all")) == train(found["name"])
        assert (other.folder / found["model"]).exists()

    def test_a_store_made_again_trains_nothing_but_what_needed_it(self, other):
        shutil.rmtree(other.path("store"))
        shutil.rmtree(other.path("images"))
        group = "gaussian_noise+sr"
        shutil.rmtree(other.path(f"models/srresnet/{group}"), ignore_errors=True)
        other.config["training"]["weight_decay"] = 0.5
        target = f"results/models/srresnet/{group}/model.safetensors"
        assert other.jobs(target) == {
            "Indexing the photographs of train",
            "Decoding the photographs of train",
            *train(group),
        }
        other.run(target)
        # The new parameter was not lost on the way.
        assert every(train) <= other.jobs("all")

    def test_a_model_folder_half_written(self, other):
        folder = other.path("models/srresnet/jpeg")
        (folder / "model.safetensors").unlink()
        (folder / ".model.safetensors.123").write_bytes(b"half")
        assert other.executed("results/models/srresnet/jpeg/model.safetensors") == train("jpeg")
        assert other.jobs("all") == set()


def test_after_an_interruption_of_a_store_everything_is_made(tree):
    """Interrupted between a store's appearance and Snakemake's note of it."""
    tree.run("all", "--until", "store")
    before = tree.jobs("all")
    for store in tree.path("store").rglob("*.npy"):
        # As Snakemake marks the outputs of a job that it starts.
        name = base64.urlsafe_b64encode(str(store.relative_to(tree.folder)).encode()).decode()
        (tree.folder / ".snakemake/incomplete" / name).write_text('{"external_jobid": null}')
    assert tree.jobs("all") == before
    assert any(job.startswith("Training srresnet") for job in before)


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


class TestLostMemory:
    @pytest.fixture
    def forgetful(self, other):
        shutil.rmtree(other.folder / ".snakemake")
        return other

    def test_nothing_changed(self, forgetful):
        assert forgetful.jobs("all") == set()

    def test_a_changed_parameter_has_made_again_what_memory_would_have(self, other):
        other.config["degradations"]["jpeg"] = {"training": {"quality": [20, 30]}}
        remembered = other.jobs("all")
        assert train("jpeg") < remembered
        shutil.rmtree(other.folder / ".snakemake")
        assert other.jobs("all") == remembered
        printed = other.run("--dry-run", "all")
        assert "these results were made with other settings or code" in printed
        named = {line.split()[0] for line in printed.splitlines() if line.startswith("  results")}
        for group in ("jpeg", MIX):
            assert f"results/models/srresnet/{group}/model.safetensors" in named
        assert not {name for name in named if "models/srresnet/sr/" in name}

    def test_changed_code_is_named(self, edited):
        tree = edited("grids/similarity/ggd.py")
        shutil.rmtree(tree.folder / ".snakemake")
        printed = tree.run("--dry-run", "all")
        assert "  results/ggd/jpeg.parquet (code)" in printed
        assert {f"Describing {name}" for name in DEGRADATIONS} <= tree.jobs("all")
        # What is stale and not needed stops nothing.
        assert tree.jobs("results/pies/jpeg.parquet") == set()

    @pytest.mark.parametrize(
        "arguments",
        ["--unlock", "--summary all", "-n -F", "-n -R plan all", "--delete-all-output -n", "--dag"],
    )
    def test_no_command_is_refused(self, forgetful, arguments):
        forgetful.config["ggd"]["clip"] = 0.0
        forgetful.run(*arguments.split())

    def test_results_can_be_accepted_and_stay_so(self, forgetful):
        forgetful.config["ggd"]["clip"] = 0.0
        assert {f"Describing {name}" for name in DEGRADATIONS} <= forgetful.jobs("all")
        forgetful.run("all", "--touch")
        assert forgetful.jobs("all") == set()
        shutil.rmtree(forgetful.folder / ".snakemake")
        assert forgetful.jobs("all") == set()

    def test_a_table_of_an_older_layout_is_named_by_the_job_that_reads_it(self, forgetful):
        shutil.rmtree(forgetful.path("records"))
        path = forgetful.path("similarity.parquet")
        pd.read_parquet(path).drop(columns="distance_std").to_parquet(path)
        forgetful.path("candidates/2.parquet").unlink()
        said = forgetful.error("all")
        assert "results/similarity.parquet: no column distance_std" in said
        path.unlink()
        forgetful.run("all")

    def test_a_run_makes_them_again_and_remembers(self, forgetful):
        forgetful.config["ggd"]["clip"] = 0.0
        jobs = forgetful.executed("all")
        assert {f"Describing {name}" for name in DEGRADATIONS} | MATRIX <= jobs
        assert not trainings(jobs)
        assert forgetful.jobs("all") == set()


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
        (tree.folder / "own.py").write_text("open(snakemake.output[0], 'w')")
        (tree.folder / "Snakefile").write_text(MODULE.format(root=ROOT, results=results))
        tree.options = list
        printed = tree.run()
        assert re.findall(r"^Finished jobid: .*Rule: (.*)\)$", printed, re.MULTILINE) == [
            *("own", "mine")
        ]
        assert "localrules" not in printed
        # A search, by a checkpoint and rules of other names.
        assert tree.executed("grids_all") == SEARCH
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


def test_two_trees_of_one_checkout_do_not_touch_each_other(finished, tmp_path):
    one, two = (finished.copy(tmp_path / name) for name in ("one", "two"))
    two.config = copy.deepcopy(one.config)
    two.config["search"]["delta"] = 3.0
    two.run("all")
    assert one.jobs("all") == set()
