"""The pipeline from photographs to groups on a tiny tree, as a user runs it."""

import html
import json
import re
import shutil
from base64 import b64encode

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from grids.models import weights

GROUP = "jpeg+poisson_noise"


def test_all_ends_with_groups_tables_and_figures(finished):
    found = json.loads(finished.path("groups.json").read_text(encoding="utf-8"))
    covered = sorted(name for group in found["groups"] for name in group["degradations"])
    assert covered == ["gaussian_noise", "jpeg", "poisson_noise", "sr"]
    for group in found["groups"]:
        assert max(group["drop_db"].values()) <= 2.0
        assert (finished.folder / group["model"]).exists()
    report = finished.path("report")
    expected = {"similarity", "similarity_map", "densities", "degradations", "drop_distance"}
    assert expected <= {path.stem for path in report.glob("*.svg")}
    assert {p.suffix for p in report.glob("table1_srresnet_own.*")} == {
        *(".parquet", ".csv", ".txt", ".svg", ".html")
    }


def test_spreadsheets_hold_the_main_results(finished):
    matrix = pd.read_csv(finished.path("report/similarity.csv"), index_col=0)
    assert matrix.shape == (4, 4)
    assert len(pd.read_csv(finished.path("report/rankings.csv"))) == 4 + 6 + 4 + 1
    found = json.loads(finished.path("groups.json").read_text(encoding="utf-8"))
    drops = pd.read_csv(finished.path("report/drops.csv"))
    assert len(drops) == sum(len(group["drop_db"]) for group in found["verified"])
    assert found["trained_on"] == []


def test_a_finished_tree_has_nothing_to_do(finished):
    assert finished.jobs("all") == set()
    assert "Nothing to be done" in finished.run("--dry-run", "all")


def test_a_report_has_the_verdict_and_the_numbers(finished, tmp_path):
    finished.run("--report", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for name in ("groups.json", "table1_srresnet_own.html", "table1_srresnet_own.svg"):
        assert f'"filename": "{name}"' in page
    text = finished.path("report/table1_srresnet_own.txt").read_text(encoding="utf-8")
    shown = finished.path("report/table1_srresnet_own.html").read_text(encoding="utf-8")
    assert html.unescape(shown).count(text) == 1
    assert b64encode(shown.encode()).decode() in page


def test_similarity_alone_trains_no_restorer(tree):
    jobs = tree.jobs("results/similarity.parquet")
    assert {job for job in jobs if job.startswith("Training")} == {"Training the descriptor"}
    assert not {job for job in jobs if job.startswith(("Verifying", "Planning"))}


def test_contracts_of_the_tables(finished):
    (path,) = finished.path("images/own").glob("*.parquet")
    index = pd.read_parquet(path)
    assert {"path", "sha256", "width", "height"} <= set(index.columns)
    pies = pd.read_parquet(finished.path("pies/jpeg.parquet"))
    assert list(pies.columns) == ["id", "image", "psnr_db", "parameters"]
    assert set(pies["image"][0]) == {"bytes", "path"}
    assert json.loads(pies["parameters"][0]) == {"quality": 10}
    assert pies["psnr_db"].between(10, 60).all()
    ggd = pd.read_parquet(finished.path("ggd/jpeg.parquet"))
    assert {"alpha", "sigma", "patches", "components", "histogram"} <= set(ggd.columns)
    similarity = pd.read_parquet(finished.path("similarity.parquet"))
    assert list(similarity.columns) == ["source", "target", "kl", "distance", "distance_std"]
    assert len(similarity) == 16
    for size, count in ((1, 4), (2, 6), (3, 4), (4, 1)):
        ranking = pd.read_parquet(finished.path(f"candidates/{size}.parquet"))
        assert ranking["rank"].tolist() == list(range(1, count + 1))
    verified = pd.read_parquet(finished.path("verify/srresnet/jpeg/own.parquet"))
    columns = ["degradation", "image", "psnr_db", "ssim", "input_psnr_db", "tile"]
    assert list(verified.columns) == columns
    assert verified["tile"].isna().all()
    assert verified["image"].tolist() == [f"{i}.png" for i in range(5)]
    plan = json.loads(finished.path("search/0.json").read_text(encoding="utf-8"))
    assert plan["round"] == 0
    assert plan["why"]


def test_models_say_what_they_are(finished):
    about = weights.about(finished.path("models/srresnet/jpeg/model.safetensors"))
    assert about["backbone"] == "srresnet"
    assert list(about["group"]) == ["jpeg"]
    assert about["seed"] == 0
    assert about["code"]
    history = pd.read_parquet(finished.path("models/srresnet/jpeg/history.parquet"))
    assert history["step"].iloc[-1] == 3


def test_an_index_can_be_asked_for_by_the_plain_name_of_its_set(finished, tmp_path):
    other = finished.copy(tmp_path)
    assert other.executed("results/images/own.parquet") == {"Naming the index of own"}
    assert len(pd.read_parquet(other.path("images/own.parquet"))) == 5


def test_any_group_can_be_asked_for_by_name(finished, tmp_path):
    other = finished.copy(tmp_path)
    target = f"results/models/srresnet/{GROUP}/model.safetensors"
    shutil.rmtree(other.path(f"models/srresnet/{GROUP}"), ignore_errors=True)
    assert other.executed(target) == {f"Training srresnet on {GROUP}"}
    assert list(weights.about(other.folder / target)["group"]) == ["jpeg", "poisson_noise"]


def test_a_second_run_gives_the_same_bytes(finished, tmp_path):
    other = finished.copy(tmp_path)
    names = ["verify/srresnet/jpeg/own.parquet", "ggd/jpeg.parquet", "pies/jpeg.parquet"]
    before = [other.path(name).read_bytes() for name in names]
    model = other.path("models/srresnet/jpeg/model.safetensors")
    weights_before = load_file(model)
    other.run(*(f"results/{name}" for name in names), "--forcerun", "train", "degraded_pies")
    assert [other.path(name).read_bytes() for name in names] == before
    weights_after = load_file(model)
    assert all(np.array_equal(weights_before[n], weights_after[n]) for n in weights_before)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("results/models/srresnet/jpg/model.safetensors", "did you mean 'jpeg'"),
        ("results/models/srresnt/jpeg/model.safetensors", "no backbone 'srresnt'"),
        ("results/models/srresnet/sr+jpeg/model.safetensors", "write jpeg\\+sr"),
        ("results/pies/jpg.parquet", "no degradation 'jpg'"),
        ("results/images/trian.parquet", "no image set 'trian'"),
    ],
)
def test_an_impossible_target_is_refused_with_what_would_be_right(finished, target, message):
    done = finished.snakemake("--dry-run", target)
    assert done.returncode != 0
    assert len(re.findall(message, done.stdout)) == 1, done.stdout


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("search", "delta", -1, "search.delta"),
        ("images", "train", "nowhere", "images.train: nowhere: no such folder"),
        ("training", "patch", 4096, "training.patch"),
        ("execution", "device", "gpu", "execution.device"),
    ],
)
def test_a_wrong_configuration_is_one_line_before_any_job(tree, section, key, value, message):
    tree.config[section][key] = value
    done = tree.snakemake("all")
    assert done.returncode != 0
    about = [line for line in done.stdout.splitlines() if line.startswith("error:")]
    assert len(about) == 1
    assert message in about[0]
    assert not (tree.folder / "results").exists()
