"""What runs again after a change: exactly the affected jobs, on a finished tree.

On copies of one finished tree; test_reruns_pairs and test_repair go on with it. Jobs are named by
their messages. Most are dry runs; where a change reaches the search, a dry run sees the next plan
and not what follows from it, so some are executed.
"""

import json
import os
import shutil
import time

import numpy as np
import pytest
from messages import (
    AGAIN,
    DEGRADATIONS,
    FIGURES,
    MATRIX,
    MIX,
    PICTURES,
    SEARCH,
    every,
    reseeded,
    train,
    trainings,
    verify,
)
from moves import move
from PIL import Image
from safetensors.torch import load_file


class TestNothingRuns:
    def test_untouched(self, other):
        assert other.jobs("all") == set()

    def test_other_checkout_with_other_times_wording_formatting_and_ways_to_photographs(
        self, edited, checkout
    ):
        for name, old, new in [
            ("grids/similarity/law.py", "def fit(", "# Moments.\ndef fit("),
            ("grids/degradations/jpeg.py", '"""JPEG', '"""The JPEG'),
            ("grids/models/evaluation.py", "rows = []", "rows   =   []"),
            ("workflow/scripts/verify.py", "with job", "# A job.\nwith job"),
            ("grids/base/progress.py", "ETA", "left"),
            ("rules/train.smk", "# Needs", "# It needs"),
            ("grids/images/search.py", '(".bmp"', '(".gif", ".bmp"'),
        ]:
            tree = edited(name, old, new)
        for path in checkout.rglob("*"):
            os.utime(path)
        assert tree.jobs("all") == set()

    def test_a_module_moved(self, finished, tmp_path, checkout):
        move(checkout, "similarity.ggd", "laws.moments")
        move(checkout, "training.schedule", "training.rates")
        assert finished.copy(tmp_path / "tree", checkout).jobs("all") == set()

    def test_order_of_keys_how_it_is_computed_and_what_is_asked_of_a_cluster(self, other):
        config = {key: other.config[key] for key in reversed(other.config)}
        names = reversed(list(config["degradations"]))
        config["degradations"] = {name: config["degradations"][name] for name in names}
        config["training"] = dict(reversed(config["training"].items()))
        other.config = config
        other.config["execution"] = {"device": "auto", "threads": 2, "checkpoint_minutes": 3}
        more = {"mem_mb": 9000, "runtime": 99, "gpus": 1, "partition": "gpu"}
        kinds = ("prepare", "describe", "train", "verify")
        other.config["resources"] = {"account": "lab"} | dict.fromkeys(kinds, more)
        assert other.jobs("all") == set()


class TestPhotographs:
    def test_a_touched_one_makes_nothing_run(self, tree):
        touched = [
            tree.folder / "photographs" / name / f"{number}.png"
            for name in ("train", "pies", "own")
            for number in (0, 1)
        ]
        for path in touched:
            # One below and one above the size that Snakemake hashes.
            side = 70 if path.stem == "0" else 800
            pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        targets = ["results/pies/jpeg.parquet", "results/verify/srresnet/jpeg/own.parquet"]
        tree.run(*targets)
        time.sleep(0.01)
        for path in touched:
            path.touch()
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
        assert other.jobs("all") == AGAIN
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


class TestCode:
    def test_of_one_degradation(self, edited):
        assert edited("grids/degradations/jpeg.py").jobs("all") == AGAIN

    def test_of_the_estimate(self, edited):
        jobs = edited("grids/similarity/ggd.py").jobs("all")
        assert jobs == {f"Describing {name}" for name in DEGRADATIONS} | MATRIX

    @pytest.mark.parametrize("name", ["schedule", "procedures/l1"])
    def test_of_the_training(self, edited, name):
        jobs = edited(f"grids/training/{name}.py").jobs("all")
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
