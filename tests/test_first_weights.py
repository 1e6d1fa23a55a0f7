"""`training.start`: what must be trained before a model, and what makes it be trained again."""

import json
import shutil

from messages import DEGRADATIONS, MIX, every, reseeded, train, trainings

from grids.base.files import sha256
from grids.bundle import contents
from grids.configuration import settings
from grids.models import weights

JPEG = "results/models/srresnet/jpeg/model.safetensors"


def test_the_mix_is_trained_before_a_model_that_starts_from_it(tree):
    tree.config["training"] = tree.config["training"] | {"start": "mix"}
    assert trainings(tree.jobs(JPEG)) == train("jpeg") | train(MIX)
    assert trainings(tree.jobs(JPEG.replace("jpeg", MIX))) == train(MIX)


def test_all_but_the_mix_are_trained_again_when_they_start_from_it(finished, tmp_path):
    tree = finished.copy(tmp_path / "tree")
    tree.config["training"] = tree.config["training"] | {"start": "mix"}
    again = every(train) - train(MIX)
    for name in tree.config["report"]["noise_degradations"]:
        again |= {job for job in reseeded(name) if job.startswith("Training")}
    assert trainings(tree.jobs("all")) == again


def test_a_folder_has_first_weights_for_each_group(finished, tmp_path):
    tree = finished.copy(tmp_path / "tree")
    start = tmp_path / "start"
    start.mkdir()
    for name in (*DEGRADATIONS, MIX):
        model = tree.path(f"models/srresnet/{name}/model.safetensors")
        shutil.copyfile(model, start / f"{name}.safetensors")
    tree.config["training"] = tree.config["training"] | {"start": str(start)}
    assert tree.executed(JPEG) == train("jpeg")
    about = weights.about(tree.path("models/srresnet/jpeg/model.safetensors"))
    assert about["start"] == sha256(start / "jpeg.safetensors")
    assert tree.jobs(JPEG) == set()

    moved = start.rename(tmp_path / "moved")
    tree.config["training"]["start"] = str(moved)
    assert tree.jobs(JPEG) == set(), "the same weights in another place"
    shutil.copyfile(moved / "sr.safetensors", moved / "jpeg.safetensors")
    assert tree.jobs(JPEG) == train("jpeg")
    (moved / "jpeg.safetensors").unlink()
    said = tree.snakemake("-n", JPEG)
    assert f"training.start: {moved / 'jpeg.safetensors'}: no such file" in said.stdout


def test_a_place_where_nothing_is_is_refused_before_any_job(tree):
    tree.config["training"] = tree.config["training"] | {"start": "nowhere"}
    assert "training.start: nowhere: no such file or folder" in tree.error("-n", "all")


def test_the_packaged_mix_begins_all_models_of_its_network(tree):
    tree.config["training"] = tree.config["training"] | {"start": "packaged"}
    said = tree.error("-n", "all")
    assert "training.start, for srresnet: what is packaged is a nafnet of decoder: [1, 1]" in said
    packaged = json.loads((contents.BOX / "bundle.json").read_text(encoding="utf-8"))
    tree.config["backbones"] = {"nafnet": packaged["sizes"], "srresnet": None}
    tree.config["search"]["backbone"] = "nafnet"
    tree.config["report"]["backbones"] = ["nafnet"]
    models = [f"results/models/nafnet/{group}/model.safetensors" for group in ("jpeg", MIX)]
    assert (
        len(tree.executed(*models) & {f"Training nafnet on {group}" for group in ("jpeg", MIX)})
        == 2
    )
    for model in models:
        about = weights.about(tree.folder / model)
        assert about["start"] == sha256(settings.PACKAGED_MIX)
    assert tree.jobs(*models) == set()
