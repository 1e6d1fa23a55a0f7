"""Strategy `tag` in the workflow: where its affinities come from, and what runs for them."""

import json
import shutil

import pandas as pd
import pytest
from messages import MIX, SEARCH, every, train, trainings, verify

from grids.base.errors import InputError
from grids.base.files import sha256
from grids.search.simulation.trials import trials

MEASURING = "Measuring affinities with srresnet"
ONCE_MORE = "one more does"
SIMULATED = {
    "requests": [1],
    "sizes": [1],
    "correlations": [1.0],
    "noise": 0.0,
    "delta": 1e-6,
    "seeds": [0],
}


def tag(tree):
    tree.config["search"] = tree.config["search"] | {"strategy": "tag", "affinity_every": 1}
    return tree


def found(tree):
    return json.loads(tree.path("groups.json").read_text(encoding="utf-8"))


def measured(tree):
    return pd.read_parquet(tree.path("affinity/srresnet.parquet"))


def test_a_finished_tree_is_measured_once_and_nothing_is_trained_for_others(other):
    mix = other.path(f"models/srresnet/{MIX}/model.safetensors")
    before = sha256(mix), mix.stat().st_mtime_ns
    with pytest.raises(InputError, match="needs affinities, which are not measured"):
        trials(str(other.path("")), ["tag"], **SIMULATED)
    tag(other)
    printed = other.run("--dry-run", "all")
    assert "1 of the mix of all, for affinities" in printed
    assert other.jobs("all") == {MEASURING} | SEARCH
    other.config["search"]["delta"] = 1e-6  # what is asked for is trained
    jobs = other.executed("all")
    assert MEASURING in jobs
    assert ONCE_MORE in other.path("logs/affinity/srresnet.log").read_text(encoding="utf-8")
    assert not trainings(jobs) & every(train)
    assert (sha256(mix), mix.stat().st_mtime_ns) == before
    table = measured(other)
    assert len(table) == 16
    assert set(table["measurements"]) == {3}
    assert not other.path("affinity/srresnet").exists()
    answer = found(other)
    assert answer["strategy"] == "tag"
    known = {group["name"] for group in answer["verified"]}
    for group in answer["groups"]:
        assert group["feasible"]
        assert len(group["degradations"]) == 1 or group["name"] in known
    assert other.jobs("all") == set()

    (row,) = trials(str(other.path("")), ["tag"], **SIMULATED).itertuples()
    assert row.trainings == len(known)

    # A given number is kept, whatever its groups drop.
    other.config["search"]["number_of_groups"] = 2
    other.run("results/groups.json")
    answer = found(other)
    assert len(answer["groups"]) == 2
    assert "The number of groups was given, not searched" in answer["verdict"]

    # Back again nothing trains, and affinities stay.
    other.config["search"] = other.config["search"] | {"strategy": "paper", "number_of_groups": 0}
    assert not trainings(other.jobs("results/search/0.json"))

    # A mix that is trained anyway measures on its way, with the same result in all.
    tag(other)
    shutil.rmtree(mix.parent)
    other.path("affinity/srresnet.parquet").unlink()
    wanted = "results/affinity/srresnet.parquet"
    assert other.executed(wanted) == {MEASURING, *train(MIX)}
    assert ONCE_MORE not in other.path("logs/affinity/srresnet.log").read_text(encoding="utf-8")
    assert sha256(mix) == before[0]
    pd.testing.assert_frame_equal(measured(other), table)

    # Another interval is another measurement, which leaves the model as it is.
    other.config["search"]["affinity_every"] = 2
    assert "search.affinity_every: 2 steps, but a training has 3" in other.error(wanted)
    other.config["training"]["iterations"] = 4
    assert MEASURING in other.jobs(wanted)


def test_code_that_measures_trains_nothing_again(edited):
    tree = edited("grids/training/affinity.py")
    assert tree.jobs("all") == set()
    assert tag(tree).jobs("all") == {MEASURING} | SEARCH
    # Those of another network, by its own target.
    tree.config["search"]["strategy"] = "paper"
    assert tree.jobs("results/affinity/srresnet.parquet") == {MEASURING}


def test_a_new_tree_needs_no_training_more(tree):
    tag(tree)
    jobs = tree.jobs("results/groups.json")
    assert MEASURING in jobs
    assert trainings(jobs) >= every(train)
    assert every(verify) <= jobs
    assert "for affinities" not in tree.run("--dry-run", "all")
