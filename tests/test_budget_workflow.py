"""Strategy budget end to end: what is trained, up to which level, and what is not."""

import json

import pytest

from grids.search import plans as plan_files
from grids.search.group_names import trial

FOUR = ["gaussian_noise", "jpeg", "poisson_noise", "sr"]
CONSTANT = {"schedule": "constant", "decay": 0.25, "iterations": 20, "warmup": 2}


@pytest.fixture
def searching(finished, tmp_path):
    """The tree of a finished search by another strategy and schedule, set to budget."""
    tree = finished.copy(tmp_path / "tree")
    tree.config["training"] = tree.config["training"] | CONSTANT
    tree.config["search"] |= {"strategy": "budget", "levels": [20, 50], "requests_per_round": 2}
    return tree


def found(tree):
    return json.loads(tree.path("groups.json").read_text(encoding="utf-8"))


def trained(jobs):
    """Names of trainings, as plans have them."""
    told = {job.removeprefix("Training srresnet on ") for job in jobs if "Training srr" in job}
    return {name.removesuffix(" %").replace(" up to ", "@") for name in told}


def asked(tree):
    plans = plan_files.walk(tree.path(""))
    return [name for plan in plans for name in plan.get("requests", [])]


def test_from_the_first_level_to_an_answer(searching):
    tree = searching
    tree.config["report"] = tree.config["report"] | {"noise_seeds": []}
    jobs = tree.executed("results/groups.json")
    trials = asked(tree)
    assert len(set(trials)) == len(trials)
    # Nothing is trained that the search does not ask for, the mix of all included.
    assert trained(jobs) == set(trials)
    assert {f"{name}@20" for name in FOUR} | set(FOUR) <= set(trials)
    assert all(f"{name}@20" in trials for name in trials if trial(name)[1] == 100)
    result = found(tree)
    assert all(group["feasible"] and "probability" not in group for group in result["groups"])
    assert result["trainings"]["single"] == 4
    cost = result["trainings"]["cost"]
    ends = sum(trial(name)[1] == 100 for name in trials)
    short = {trial(name) for name in trials if trial(name)[1] < 100}
    unfinished = [pair for pair in short if pair[0] not in trials]
    assert cost == pytest.approx(
        ends
        + sum(level for _, level in unfinished) / 100
        + 0.25 * 0.2 * (len(short) - len(unfinished))
    )
    assert tree.jobs("results/groups.json") == set()
    # Another δ, or another certificate, trains nothing again.
    tree.config["search"]["delta"] = 50.0
    again = trained(tree.executed("results/groups.json"))
    assert not again & set(trials)
    tree.config["search"] |= {"delta": 2.0, "certificate": "bounded"}
    assert trained(tree.executed("results/groups.json")) <= {f"{name}@50" for name in FOUR}
