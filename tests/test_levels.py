"""Trainings at a share of their budget: files of their own, and what they share."""

from grids.models import weights

MODEL = "results/levels/{}/models/srresnet/jpeg/model.safetensors"
VERIFIED = "results/levels/{}/verify/srresnet/jpeg/own.parquet"
CONSTANT = {"schedule": "constant", "decay": 0.25, "iterations": 20, "warmup": 2}


def test_a_level_is_trained_verified_and_gone_on_from(finished, tmp_path):
    tree = finished.copy(tmp_path / "tree")
    tree.config["training"] = tree.config["training"] | CONSTANT
    assert "search.levels has no level 20; it has: []" in tree.snakemake(MODEL.format(20)).stdout
    tree.config["search"] = tree.config["search"] | {"levels": [20, 50]}
    assert tree.executed(VERIFIED.format(20)) == {
        "Training srresnet on jpeg up to 20 %",
        "Verifying srresnet on jpeg with own, at 20 %",
    }
    about = weights.about(tree.folder / MODEL.format(20))
    assert (about["steps"], about["recipe"]["level"]) == (4, 20)
    # What levels share outlives the run, until the whole training has ended.
    shared = tree.path("models/srresnet/jpeg/trunk")
    assert [file.name for file in shared.iterdir()] == ["000000003.pt"]
    said = tree.run(MODEL.format(50))
    assert "resuming after step 3" in said
    said = tree.run("results/models/srresnet/jpeg/model.safetensors")
    assert "resuming after step 8" in said
    assert not shared.exists()
    # A level that is added trains none of the others again.
    tree.config["search"]["levels"] = [20, 50, 70]
    assert tree.jobs(MODEL.format(20), MODEL.format(50)) == set()
