"""Results that are gone, half made or no longer remembered, on copies of one finished tree."""

import base64
import copy
import json
import shutil

import pandas as pd
import pytest
from messages import DEGRADATIONS, MATRIX, MIX, every, train, trainings


class TestRepair:
    def test_a_deleted_file_is_made_again_and_nothing_else(self, other):
        for name, job in (
            ("ggd/jpeg.parquet", "Describing jpeg"),
            ("models/srresnet/jpeg/model.safetensors", "Training srresnet on jpeg"),
            ("verify/srresnet/jpeg/own.parquet", "Verifying srresnet on jpeg with own"),
            ("report/similarity.svg", "Drawing the similarity matrix"),
        ):
            other.path(name).unlink()
            # The same bytes: what was made from those before stands.
            assert other.executed(f"results/{name}") == {job}
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
        forgetful.run("results/candidates/2.parquet")

    def test_a_run_makes_them_again_and_remembers(self, forgetful):
        forgetful.config["ggd"]["clip"] = 0.0
        jobs = forgetful.executed("all")
        assert {f"Describing {name}" for name in DEGRADATIONS} | MATRIX <= jobs
        assert not trainings(jobs)
        assert forgetful.jobs("all") == set()


def test_two_trees_of_one_checkout_do_not_touch_each_other(finished, tmp_path):
    one, two = (finished.copy(tmp_path / name) for name in ("one", "two"))
    two.config = copy.deepcopy(one.config)
    two.config["search"]["delta"] = 3.0
    two.run("results/groups.json")
    assert one.jobs("all") == set()
