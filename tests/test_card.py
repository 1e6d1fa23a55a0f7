"""The card of an export, read as a model hub reads it."""

import statistics

import pandas as pd
import pytest
import yaml

from grids.base.errors import InputError
from grids.bundle import contents
from grids.bundle.card import card

MODELS = {
    "jpeg+sr": {"group": {"jpeg": {"quality": [5, 90]}, "sr": {"scale": [2, 4]}}, "steps": 7},
    "r_l": {"group": {"r_l": {"size": 3}}, "steps": 9},
}
PSNR, INPUT, SSIM = [30.0, 31.5, 33.0], [29.0, 29.5, 32.0], [0.9, 0.91, 0.95]


def verification(name="jpeg", count=3):
    columns = {"psnr_db": PSNR, "input_psnr_db": INPUT, "ssim": SSIM}
    table = {key: values[:count] for key, values in columns.items()}
    return pd.DataFrame(table | {"image": list("abc")[:count], "degradation": name})


def parts(text):
    """Front matter, and what is below it."""
    before, front, below = text.split("---\n", 2)
    assert before == ""
    return yaml.safe_load(front), below


def test_front_matter_has_what_was_measured_with_standard_errors():
    table = pd.concat([verification("jpeg"), verification("sr", 1)])
    front, below = parts(card("nafnet", MODELS, {}, {"jpeg+sr": {"kodak": table}, "r_l": {}}))
    (model,) = front["model-index"]
    assert model["name"] == "jpeg+sr"
    first, single = model["results"]
    assert first["dataset"]["type"] == "kodak"
    metrics = {metric["type"]: metric["value"] for metric in first["metrics"]}
    error = statistics.stdev(PSNR) / 3**0.5
    assert metrics["psnr"] == pytest.approx(statistics.mean(PSNR), abs=1e-4)
    assert metrics["psnr_standard_error"] == pytest.approx(error, abs=1e-4)
    assert metrics["ssim"] == pytest.approx(statistics.mean(SSIM), abs=1e-4)
    # One photograph tells no error.
    assert [metric["type"] for metric in single["metrics"]] == ["psnr", "ssim"]
    gains = [after - before for after, before in zip(PSNR, INPUT, strict=True)]
    told = f"{statistics.mean(gains):.2f} ± {statistics.stdev(gains) / 3**0.5:.2f}"
    assert f"| jpeg | kodak | 30.17 | 31.50 ± {error:.2f} | {told} |" in below
    assert "| jpeg+sr | jpeg (quality [5, 90]); sr (scale [2, 4]) | 7 |" in below
    assert "| r_l | r_l (size 3) | 9 |" in below


def test_what_differs_among_the_trainings_is_said_of_each():
    common = {"seed": 0, "content": "ab"}
    recipes = {"jpeg+sr": {"batch": 16}, "r_l": {"batch": 8}}
    models = {name: MODELS[name] | common | {"recipe": recipes[name]} for name in MODELS}
    _, below = parts(card("nafnet", models, {}, {}))
    told = [line for line in below.splitlines() if line.startswith("- ")]
    assert told == [
        "- recipe of jpeg+sr: {'batch': 16}",
        "- recipe of r_l: {'batch': 8}",
        "- seed: 0",
        "- content: ab",
    ]
    assert "`content` is a digest of the training photographs." in below
    assert "`code` is" not in below


def test_what_one_training_alone_is_known_of_is_said_of_it():
    models = MODELS | {"r_l": MODELS["r_l"] | {"code": "cd"}}
    _, below = parts(card("nafnet", models, {}, {}))
    assert "- code of r_l: cd" in below.splitlines()


def test_nothing_measured_and_nothing_said_is_said():
    front, below = parts(card("nafnet", MODELS, {}, {}))
    assert front["model-index"] == []
    assert front["license"] == "unknown"
    assert front["tags"] == ["image-restoration", "jpeg", "r_l", "sr"]
    assert "The models were not measured on a test set." in below
    assert "2407.12273" in below


def test_a_note_brings_its_front_matter():
    note = "---\nlicense: mit\ndatasets: [DIV2K]\ntags: [jpeg, mine]\n---\n\n# Sources\n"
    front, below = parts(card("nafnet", MODELS, {"own": "choice 0.9"}, {}, note))
    assert (front["license"], front["datasets"]) == ("mit", ["DIV2K"])
    assert front["tags"] == ["image-restoration", "jpeg", "r_l", "sr", "mine"]
    assert below.endswith("choice 0.9\n```\n\n# Sources\n")


@pytest.mark.parametrize("front", ["license: [", "- mit", "tags: jpeg"])
def test_broken_front_matter_of_a_note_is_one_line(front):
    with pytest.raises(InputError, match=r"^--note: its front matter [^\n]*$"):
        card("nafnet", MODELS, {}, {}, f"---\n{front}\n---\n")


def test_the_packaged_card_is_one():
    front, below = parts(contents.read(contents.BOX).card)
    assert front["license"] == "mit"
    assert "# Sources of the packaged models" in below
