"""Shares that follow single-task models: the rule, and from the configuration to a history.

That a training with them survives kills, signals and copies, and does not depend on workers and
processes, is held with all others in test_training and test_training_processes.
"""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import embedded_store
from messages import MIX, train, trainings
from test_training_processes import following
from test_training_processes import train as train_files

from grids.base.errors import InputError
from grids.training.proportions import Proportions, Reference, reference

torch.set_num_threads(1)

GROUP = "jpeg+sr"
MODEL = "results/models/srresnet/{}/model.safetensors"


def proportions(**psnr_db):
    """Of members whose single-task models have this PSNR after 10 and after 30 steps."""
    told = {name: Reference([10, 30], values, 2, 0) for name, values in psnr_db.items()}
    return Proportions(told, dict.fromkeys(told, ()))


def at(*psnr_db):
    return torch.tensor(psnr_db, dtype=torch.float64)


def test_shares_are_those_worked_out_by_hand():
    followed = proportions(sr=[30.0, 32.0], haze=[20.0, 20.0], jpeg=[25.0, 25.0])
    assert followed.shares() == pytest.approx(dict.fromkeys(("haze", "jpeg", "sr"), 1 / 3))
    # In alphabetical order; half of each difference counts.
    followed.follow(10, at(20.2, 25.0, 29.8))
    assert followed.decibels() == pytest.approx({"haze": -0.1, "jpeg": 0.0, "sr": 0.1})
    parts = [math.exp(-0.2), 1.0, math.exp(0.2)]
    expected = [part / sum(parts) for part in parts]
    assert list(followed.shares().values()) == pytest.approx(expected)
    # Halfway between two validations, sr's model is at 31 dB.
    followed.follow(20, at(20.0, 25.1, 27.0))
    assert followed.decibels() == pytest.approx({"haze": -0.05, "jpeg": -0.05, "sr": 2.05})
    # Their mean is 0.65: exp(2.8) and exp(−1.4) are beyond what there may be.
    assert followed.shares() == pytest.approx({"haze": 1 / 6, "jpeg": 1 / 6, "sr": 4 / 6})


def test_where_all_are_as_far_behind_shares_are_equal():
    followed = proportions(jpeg=[25.0, 25.0], sr=[30.0, 30.0])
    followed.follow(10, at(22.0, 27.0))
    assert followed.decibels() == {"jpeg": 1.5, "sr": 1.5}
    assert followed.shares() == {"jpeg": 0.5, "sr": 0.5}


def test_other_references_are_another_training():
    abouts = [proportions(jpeg=[25.0, 25.0], sr=[30.0, last]).about for last in (30.0, 30.0, 30.1)]
    assert abouts[0] == abouts[1] != abouts[2]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return embedded_store(tmp_path_factory.mktemp("store")) | {"pairs": []}


def test_a_member_is_compared_on_the_very_patches_of_its_single_task_model(tmp_path, photographs):
    """Networks that do not change are nowhere behind one another."""
    still = {"learning_rate": 1e-30, "minimum_learning_rate": 0.0, "iterations": 3}
    references = {}
    for name in ("gaussian_noise", "jpeg"):
        train_files(tmp_path / name, photographs, 1, only=[name], **still)
        references[name] = str(tmp_path / name / "history.parquet")
    # Of another seed are its steps and not its validations.
    more = {"references": references, "seed": 1, "start": tmp_path / "jpeg" / "model.safetensors"}
    train_files(tmp_path / "group", photographs, 1, **more, **still)
    history = pd.read_parquet(tmp_path / "group" / "history.parquet")
    told = pd.read_parquet(references["jpeg"])
    assert told.attrs == {"validation": 2, "seed": 0}
    assert told["validation_psnr_db"].notna().all()
    for name in references:
        assert history[f"behind_{name}_db"].tolist() == [0.0] * 3
        assert history[f"share_{name}"].tolist() == [0.5] * 3


def test_a_history_has_the_shares_that_its_samples_were_drawn_by(tmp_path, photographs):
    references = following(tmp_path, gaussian_noise=60.0, jpeg=0.0)
    train_files(tmp_path, photographs, 1, references=references, iterations=400, batch=1)
    history = pd.read_parquet(tmp_path / "history.parquet")
    # 200 rows of 2 steps, and a validation every 10 rows, behind which noise is drawn more often.
    shares = np.where(np.arange(200) < 10, 0.5, 0.8)
    assert history["share_gaussian_noise"].to_numpy() == pytest.approx(shares)
    assert history["share_jpeg"].to_numpy() == pytest.approx(1 - shares)
    assert history["behind_jpeg_db"].nunique() == 21
    assert history["validation_psnr_db"].notna().sum() == 20


def test_a_single_task_model_without_validations_is_named(tmp_path):
    file = tmp_path / "history.parquet"
    pd.DataFrame({"step": [1], "validation_psnr_db": [np.nan]}).to_parquet(file)
    with pytest.raises(InputError, match=r"history\.parquet: there are no validations .* delete"):
        reference(file)


def automatic(tree):
    tree.config["training"] = tree.config["training"] | {"weights": "auto"}
    return tree


def test_single_task_models_come_before_a_group_that_follows_them(tree):
    assert trainings(tree.jobs(MODEL.format(GROUP))) == train(GROUP)
    automatic(tree)
    singles = train("jpeg") | train("sr")
    assert trainings(tree.jobs(MODEL.format(GROUP))) == train(GROUP) | singles
    # Neither alone, nor on everything; nor what nobody trains single-task models of.
    assert trainings(tree.jobs(MODEL.format("jpeg"))) == train("jpeg")
    assert trainings(tree.jobs(MODEL.format(MIX))) == train(MIX)
    tree.config["backbones"] = tree.config["backbones"] | {"nafnet": {}}
    model = MODEL.format(GROUP).replace("srresnet", "nafnet")
    jobs = tree.jobs(model)
    assert {job for job in jobs if job.startswith("Training nafnet")} == train(GROUP, "nafnet")
    # Models that start from the mix of all wait for it, and it for none.
    tree.config["training"]["start"] = "mix"
    every_one = train(GROUP) | singles | train(MIX)
    assert trainings(tree.jobs(MODEL.format(GROUP))) == every_one
    assert trainings(tree.jobs(MODEL.format(MIX))) == train(MIX)


def test_in_a_finished_tree_groups_alone_are_trained_again(other):
    other.run(MODEL.format(GROUP))
    automatic(other)
    assert trainings(other.jobs("all", MODEL.format(GROUP))) == train(GROUP)
    assert trainings(other.executed(MODEL.format(GROUP))) == train(GROUP)
    history = pd.read_parquet(other.path(f"models/srresnet/{GROUP}/history.parquet"))
    assert (history["share_jpeg"] + history["share_sr"]).tolist() == pytest.approx([1.0] * 3)
    assert history[["behind_jpeg_db", "behind_sr_db"]].iloc[-1].any()
    assert trainings(other.jobs(MODEL.format(GROUP))) == set()
    # A single-task model that is trained anew is followed anew.
    other.config["degradations"]["sr"] = {"training": {"scale": 3}}
    again = train("sr") | train(GROUP)
    assert trainings(other.jobs(MODEL.format(GROUP))) == again
    other.config["degradations"]["sr"] = {}
    other.config["training"]["weights"] = {}
    assert trainings(other.jobs(MODEL.format(GROUP))) == train(GROUP)
