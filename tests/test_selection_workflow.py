"""From a finished search to an export that decides, as a user runs it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import copy_of_sources
from PIL import Image

from grids.base.files import sha256
from grids.bundle import contents, onnx
from grids.cli import main
from grids.images import reading
from grids.models import weights
from grids.report import nearest
from grids.restoring import runtime
from grids.restoring.selector import Selector
from grids.runs import orphans
from grids.selection import examples


@pytest.fixture
def traced_once(monkeypatch):
    """To trace a network takes seconds, and serves for all of its weights."""
    trace, traced = onnx.trace, []

    def once(network):
        if not traced:
            traced.append(trace(network))
        return traced[0]

    monkeypatch.setattr(onnx, "trace", once)


def write_pairs(folder):
    """Noisy partners of the photographs of the test set `own`."""
    (folder / "noisy").mkdir()
    for number, path in enumerate(sorted((folder / "own").glob("*.png"))):
        noise = np.random.default_rng(number).normal(0, 20, (64, 64, 3))
        pixels = (reading.read(path) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "noisy" / path.name)


def test_an_export_is_made_measured_and_used(
    finished, tmp_path, monkeypatch, capsys, forks, traced_once
):
    tree = finished.copy(tmp_path / "tree")
    # Four stated groups: the search may have found one, with nothing to choose.
    tree.config["selection"] |= {
        "groups": [["jpeg"], ["gaussian_noise"], ["poisson_noise"], ["sr"]]
    }
    tree.config["images"]["real"] = "photographs/own"
    # Each photograph is shown under each degradation in several ways, and each model tried on all.
    (tree.folder / "photographs/few").mkdir()
    for name in ("0.png", "1.png"):
        shutil.copy(tree.folder / "photographs/own" / name, tree.folder / "photographs/few")
    tree.config["images"]["tests"]["few"] = "photographs/few"
    write_pairs(tree.folder / "photographs")
    tree.config["selection"]["pairs"] = {
        "phone": {
            "degraded": "photographs/noisy",
            "clean": "photographs/own",
            "split": {"calibrate": "[012]", "judge": "[34]"},
        }
    }
    tree.config["report"]["test_sets"] = ["few"]
    for path in tree.path("report").glob("*_own.*"):
        path.unlink()
    tree.run("results/bundle")
    decisions = pd.read_parquet(tree.path("selection/decisions_few.parquet"))
    kinds = decisions["kind"].value_counts()
    assert kinds["whole"] == kinds["crop"] == kinds["drawn"] == 2 * 4
    assert kinds["mixed"] == 2
    assert kinds["severity"] == kinds["severity_grey"] == 2 * 4 * 5
    assert kinds["unseen"] == kinds["clean"] == 2 * 2
    compared = decisions[decisions["degradation"].isin(["gaussian_noise", "sr+gaussian_noise"])]
    assert compared.filter(like="gain_db:").notna().all(axis=None)
    assert set(decisions.loc[decisions["degradation"] == "jpeg", "group"]) == {"jpeg"}
    assert len(pd.read_csv(tree.path("selection/real.csv"))) == 5
    real = pd.read_parquet(tree.path("selection/decisions_phone.parquet"))
    assert sorted(real["kind"]) == ["real", "real", "real_crop", "real_crop"]
    assert {Path(name).stem for name in real["photograph"]} == {"3", "4"}
    assert real.filter(like="gain_db:").notna().all(axis=None)
    # Of those that calibrate every second is held out.
    calibration = pd.read_parquet(tree.path("selection/calibration.parquet"))
    held = calibration[calibration["degradation"] == "phone"]
    assert set(held["photograph"]) == {1}
    assert held["gains_db"].notna().all()
    assert set(held["source"]) == {"pairs: phone"}
    assert set(calibration["source"][calibration["degradation"] != "phone"]) == {""}
    two = calibration[calibration["degradation"] == "two"]
    assert len(two) > 0
    assert two["gains_db"].notna().all()
    for name in ("selection_few.svg", "selection_gains_few.svg", "selection_phone.svg"):
        assert "<svg" in tree.path(f"report/{name}").read_text()
    # Of each restored case the first gain in its steps is that of the model that was decided on.
    steps = pd.read_parquet(tree.path("selection/steps/few.parquet"))
    mixed = decisions[decisions["kind"] == "mixed"].reset_index()
    assert steps["photograph"].tolist() == mixed["photograph"].tolist()
    np.testing.assert_allclose(steps["mix_db"], mixed["gain_db:mix"], atol=0.01)
    for taken, case in zip(steps["steps_db"], mixed.to_dict("records"), strict=True):
        first = [case[f"gain_db:{case['model']}"]] if case["verdict"] == "restore" else []
        assert list(taken[:1]) == pytest.approx(first, abs=0.01)
    text = tree.path("report/selection_few.txt").read_text()
    assert "milder" in text
    assert "sr+gaussian_noise" in text
    # Each is shown beside the three views that are most like it.
    picked = nearest.picked(decisions)
    assert tree.path("report/nearest_few.svg").read_text().count("<image") == 4 * len(picked)
    assert tree.jobs("results/bundle") == set()
    # Another photograph of those that judge changes what is measured on them, and no choice.
    judged = tree.copy(tmp_path / "judged")
    shutil.copy(judged.folder / "photographs/own/4.png", judged.folder / "photographs/noisy/4.png")
    anew = judged.jobs("results/bundle")
    assert "Describing phone under every degradation" in anew
    assert not anew & {"Fitting the choice among the groups", "Choosing for few"}
    other = tree.copy(tmp_path / "other network")
    other.config["backbones"]["restormer"] = {}
    other.config["search"]["backbone"] = "restormer"
    again = other.jobs("results/bundle")
    assert {"Training restormer on jpeg", "Fitting the choice among the groups"} <= again
    assert not {job for job in again if job.startswith("Describing")}
    more = tree.copy(tmp_path / "more")
    more.config["selection"]["restored"] = 30
    again = more.jobs("results/bundle")
    assert "Fitting the choice among the groups" in again
    assert not {job for job in again if job.startswith(("Describing", "Training"))}
    # An operator that changes describes its own views again, and those under any two.
    checkout = copy_of_sources(tmp_path / "checkout")
    with open(checkout / "grids/degradations/sr.py", "a", encoding="utf-8") as module:
        module.write("\nMORE = 1\n")
    edited = tree.copy(tmp_path / "edited", checkout)
    kinds = ("jpeg", "sr", "two", "clean")
    assert edited.jobs(*(f"results/selection/views/{name}.parquet" for name in kinds)) == {
        "Describing parts of photographs: sr",
        "Describing parts of photographs: two",
    }
    said = tree.snakemake("--dry-run", "results/selection/views/ringing.parquet").stdout
    assert "the choice is fitted to no views of 'ringing', but of gaussian_noise, jpeg," in said
    # `all` needs none of it, so it is left over unless it is asked for as well.
    with monkeypatch.context() as here:
        here.chdir(tree.folder)
        wanted_by_all = orphans.wanted(tree.options())
        left_over = set(orphans.orphans(Path("results"), wanted_by_all))
        assert {Path("results/bundle"), Path("results/selection/real.csv")} <= left_over
        wanted_by_both = orphans.wanted(["results/bundle", "all", *tree.options()])
        assert list(orphans.orphans(Path("results"), wanted_by_both)) == []

    export = contents.read(tree.path("bundle"))
    assert export.groups == ("jpeg", "gaussian_noise", "poisson_noise", "sr")
    assert "Measured on few" in export.card
    front = yaml.safe_load(export.card.split("---\n")[1])
    assert [model["name"] for model in front["model-index"]] == list(export.groups)
    mix = tree.path("models/srresnet/gaussian_noise+jpeg+poisson_noise+sr/model.safetensors")
    assert sha256(export.mix) == sha256(mix)
    photograph = reading.read(tree.folder / "photographs" / "own" / "0.png")
    (decision,) = Selector(export, runtime.choose("torch", export, "cpu").network).decide(
        photograph
    )
    assert decision.group in export.groups
    json.dumps(vars(decision))

    assert main(["export", str(tree.path("")), "-o", str(tmp_path / "export")]) == 0
    assert contents.read(tmp_path / "export").fingerprints == export.fingerprints
    # Pictures of photographs leave where they are asked for alone.
    assert export.examples is None
    assert contents.read(tmp_path / "export").examples is None
    note = tmp_path / "note.md"
    note.write_text("# Sources\n")
    halved = ["--half", "--examples", "--note", str(note)]
    assert main(["export", str(tree.path("")), "-o", str(tmp_path / "half"), *halved]) == 0
    half = contents.read(tmp_path / "half")
    assert half.card.endswith("\n# Sources\n")
    shown = examples.read(half.examples)
    assert shown.classes == ("gaussian_noise", "jpeg", "poisson_noise", "sr", "clean")
    assert np.bincount(shown.labels).tolist() == [20] * 5
    views = pd.read_parquet(tree.path("selection/views/jpeg.parquet"))
    jpegs = shown.vectors[shown.labels == 1]
    np.testing.assert_allclose(jpegs, np.stack(views["vector"]), rtol=1e-6, atol=1e-6)
    assert shown.pictures.shape == (100, 64, 64, 3)
    for path in (*half.models.values(), half.mix):
        assert {tensor.dtype for tensor in weights.read(path).values()} == {torch.float16}
    # An older measurement is of another choice, and the choice was made for these models alone.
    left = tree.path("report/selection_gone.txt")
    left.write_text("of a test set that was taken out")
    os.utime(left, (0, 0))
    assert main(["export", str(tree.path("")), "-o", str(tmp_path / "again")]) == 0
    assert "gone" not in contents.read(tmp_path / "again").card
    shutil.copy(
        tree.path("models/srresnet/sr/model.safetensors"),
        tree.path("models/srresnet/jpeg/model.safetensors"),
    )
    assert main(["export", str(tree.path("")), "-o", str(tmp_path / "other")]) == 1
    assert "fitted to other models than are there now" in capsys.readouterr().err
    restored = tmp_path / "restored"
    options = ["--bundle", str(tmp_path / "export"), "--device", "cpu", "--force"]
    assert (
        main(["restore", str(tree.folder / "photographs/own"), "-o", str(restored), *options]) == 0
    )
    assert len(list(restored.glob("*.png"))) == 5


def test_too_few_photographs_to_fit_a_choice_to_are_said_before_any_job(finished, tmp_path):
    tree = finished.copy(tmp_path / "tree")
    tree.config["selection"]["groups"] = [["jpeg"], ["sr"]]
    (tree.folder / "photographs/train/0.png").unlink()
    said = tree.snakemake("--dry-run", "results/bundle").stdout
    assert "images.train: 4 photographs, but the choice among the groups holds one in 5 out" in said


def test_real_pairs_that_cannot_calibrate_are_said_before_any_job(finished, tmp_path):
    tree = finished.copy(tmp_path / "tree")
    write_pairs(tree.folder / "photographs")
    real = {"degraded": "photographs/noisy", "clean": "photographs/own"}
    tree.config["selection"]["pairs"] = {
        "phone": real | {"split": {"calibrate": "0", "judge": "[1234]"}}
    }
    said = tree.snakemake("--dry-run", "results/bundle").stdout
    assert "selection.pairs.phone: 1 pairs to calibrate" in said


def test_an_export_of_what_is_not_made_says_what_to_run(tmp_path, capsys):
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "export")]) == 1
    assert f"snakemake --cores all {tmp_path}/bundle" in capsys.readouterr().err
