"""Packages for darktable, by the rules that its documentation states."""

import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from grids.base.errors import InputError
from grids.bundle import contents, darktable
from grids.cli import main
from grids.restoring import runtime

# What its validator asks for.
REQUIRED = {"id", "name", "description", "task", "backend", "version"}
# Its card's fields, of which a package's licence, data and their provenance are judged.
CARD = {
    "long_description",
    "scope",
    "author",
    "paper",
    "license",
    "training_data",
    "training_data_license",
    "notes",
}
OPENMODELDB = {
    "name",
    "author",
    "license",
    "tags",
    "description",
    "date",
    "architecture",
    "size",
    "scale",
    "inputChannels",
    "outputChannels",
    "resources",
    "images",
}


@pytest.fixture(scope="module")
def box():
    return contents.read(contents.BOX)


@pytest.fixture(scope="module")
def packages(box, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages") / "new"
    assert main(["export", str(contents.BOX), "-o", str(folder), "--darktable"]) == 0
    return sorted(folder.glob("*.dtmodel"))


def test_there_is_one_for_each_group(packages, box):
    assert len(packages) == len(box.groups)


def test_without_a_source_the_models_that_ship_are_taken(packages, tmp_path, capsys):
    assert main(["export", "-o", str(tmp_path / "new"), "--darktable"]) == 0
    assert sorted(path.name for path in (tmp_path / "new").glob("*.dtmodel")) == [
        path.name for path in packages
    ]
    # Of results no others are meant.
    assert main(["export", "-o", str(tmp_path / "other")]) == 1
    assert "error: name the folder of the results; " in capsys.readouterr().err


def test_archives_are_as_darktable_installs_them(packages):
    for package in packages:
        with zipfile.ZipFile(package) as archive:
            names = archive.namelist()
            # Its name, its one folder and its id are the same, a safe segment of a path.
            assert {name.partition("/")[0] for name in names} == {package.stem}
            assert re.fullmatch(r"denoise-[a-z0-9]+(-[a-z0-9]+)*", package.stem)
            about = json.loads(archive.read(f"{package.stem}/config.json"))
            assert f"{package.stem}/model.onnx" in names
            # The card states sources and limits.
            assert b"## Licence" in archive.read(f"{package.stem}/README.md")
        assert about.keys() >= REQUIRED
        assert about["id"] == package.stem
        assert (about["task"], about["backend"], about["num_inputs"]) == ("denoise", "onnx", 1)
        assert isinstance(about["version"], str)
        assert about["tiling"] is True
        assert about["attributes"]["input_sizes"] == [darktable.TILE]
        assert about["model_card"].keys() == CARD
        assert all(isinstance(value, str) and value for value in about["model_card"].values())
        assert about["model_card"]["license"] == "mit"


def test_models_hold_their_weights_and_have_the_inputs_that_are_asked_for(packages, box):
    image = np.random.default_rng(0).random((1, 3, 61, 90), dtype=np.float32)
    torch = runtime.choose("torch", box, "cpu")
    expected = {group: torch.network(group)(image) for group in box.groups}
    for package in packages:
        model = zipfile.ZipFile(package).read(f"{package.stem}/model.onnx")
        session = onnxruntime.InferenceSession(model)
        (source,), (result,) = session.get_inputs(), session.get_outputs()
        assert (source.name, result.name) == ("input", "output")
        for tensor in (source, result):
            assert tensor.type == "tensor(float)"
            assert tensor.shape == [1, 3, "height", "width"]
        (output,) = session.run(None, {"input": image})
        distances = {group: np.abs(output - other).max() for group, other in expected.items()}
        nearest = min(distances, key=distances.get)
        assert distances[nearest] < 1e-5
        assert package.stem == "denoise-grids-" + re.sub(r"[+_]", "-", nearest)


def test_beside_each_lies_what_openmodeldb_asks_for(packages):
    for package in packages:
        about = json.loads(package.with_suffix(".json").read_text(encoding="utf-8"))
        assert about.keys() >= OPENMODELDB
        assert (about["scale"], about["inputChannels"], about["outputChannels"]) == (1, 3, 3)
        (resource,) = about["resources"]
        model = zipfile.ZipFile(package).getinfo(f"{package.stem}/model.onnx")
        assert resource["size"] == model.file_size
        assert re.fullmatch("[0-9a-f]{64}", resource["sha256"])


def test_what_cannot_be_packed_is_told(box, tmp_path, capsys):
    with pytest.raises(InputError, match="no ONNX models; export again"):
        darktable.write(replace(box, graphs=None), tmp_path / "new")
    # Its tiles would show at their edges.
    far = replace(box.graphs, needs=box.graphs.needs | {"margin": 80})
    with pytest.raises(InputError, match="tiles overlap by 64"):
        darktable.write(replace(box, graphs=far), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    assert main(["export", str(contents.BOX), "-o", str(tmp_path), "--darktable"]) == 1
    assert "exists already; name a new or empty folder" in capsys.readouterr().err
