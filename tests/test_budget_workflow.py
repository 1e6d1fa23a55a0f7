"""Strategy budget end to end: what is trained, up to which level, and what is not."""

import json
import re
import shutil
import time
from itertools import combinations

import pandas as pd
import pytest
from outcomes import assert_same, results
from test_faults import kill_all

from grids.cli import main
from grids.jobs import failures
from grids.search import plans as plan_files
from grids.search.group_names import group_name, trial

THREE = ["gaussian_noise", "jpeg", "sr"]
CONSTANT = {"schedule": "constant", "decay": 0.25, "iterations": 20, "warmup": 2}


def set_to_budget(finished, folder):
    """The tree of a finished search by another strategy and schedule, set to budget."""
    tree = finished.copy(folder)
    tree.config["training"] = tree.config["training"] | CONSTANT
    tree.config["search"] |= {
        "strategy": "budget",
        "degradations": THREE,
        "levels": [20, 50],
        "requests_per_round": 2,
    }
    return tree


@pytest.fixture
def searching(finished, tmp_path):
    return set_to_budget(finished, tmp_path / "tree")


@pytest.fixture(scope="module")
def searched(finished, tmp_path_factory):
    """A tree with the answer under the certificate `full`, and the jobs that it took."""
    tree = set_to_budget(finished, tmp_path_factory.mktemp("searched"))
    tree.config["report"] = tree.config["report"] | {"noise_seeds": []}
    return tree, tree.executed("results/groups.json")


def found(tree):
    return json.loads(tree.path("groups.json").read_text(encoding="utf-8"))


def trained(jobs):
    """Names of trainings, as plans have them."""
    told = {job.removeprefix("Training srresnet on ") for job in jobs if "Training srr" in job}
    return {name.removesuffix(" %").replace(" up to ", "@") for name in told}


def asked(tree):
    plans = plan_files.walk(tree.path(""))
    return [name for plan in plans for name in plan.get("requests", [])]


def test_from_the_first_level_to_an_answer(searched, tmp_path):
    tree, jobs = searched
    tree = tree.copy(tmp_path / "tree")
    trials = asked(tree)
    assert len(set(trials)) == len(trials)
    # Nothing is trained that the search does not ask for, the mix of all included.
    assert trained(jobs) == set(trials)
    assert {f"{name}@20" for name in THREE} | set(THREE) <= set(trials)
    assert all(f"{name}@20" in trials for name in trials if trial(name)[1] == 100)
    result = found(tree)
    assert all(group["feasible"] and "probability" not in group for group in result["groups"])
    assert result["trainings"]["single"] == 3
    ends = [name for name in trials if trial(name)[1] == 100]
    apart = sum(trial(name)[1] for name in trials if trial(name)[0] not in trials) / 100
    # What is finished has spent a quarter of its first fifth on an end of its own.
    assert result["trainings"]["cost"] == pytest.approx(len(ends) * 1.05 + apart)
    assert tree.jobs("results/groups.json") == set()
    # Another δ, or another certificate, trains nothing again.
    tree.config["search"]["delta"] = 50.0
    further = trained(tree.executed("results/groups.json"))
    assert not further & set(trials)
    tree.config["search"] |= {"delta": 2.0, "certificate": "bounded"}
    last = trained(tree.executed("results/groups.json"))
    assert not last & (set(trials) | further)
    # Of what is new, single-task models go a level further, and groups are tried at the lowest.
    assert {name for name in last if "+" not in name} <= {f"{name}@50" for name in THREE}
    assert all(trial(name)[1] == 20 for name in last if "+" in name)


def test_killed_in_its_middle_it_ends_as_it_would_have_and_trains_nothing_twice(
    searching, searched, tmp_path
):
    killed, (undisturbed, _) = searching, searched
    killed.config = undisturbed.config
    log = tmp_path / "log"
    with open(log, "w", encoding="utf-8") as file:
        process = killed.start("results/groups.json", stdout=file)
    # A level goes on to the end, and others are still to come.
    to_the_end = re.compile(r"^Job \d+: Training srresnet on \S+$", flags=re.MULTILINE)
    while not to_the_end.search(log.read_text(encoding="utf-8")):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.05)
    kill_all(process, killed, None)
    process.wait(timeout=300)
    said = log.read_text(encoding="utf-8")
    jobs = dict(re.findall(r"^Job (\d+): (.*)$", said, flags=re.MULTILINE))
    ended = re.findall(r"^Finished jobid: (\d+)", said, flags=re.MULTILINE)
    before = trained({jobs[number] for number in ended})
    assert before
    killed.run("--unlock")
    after = trained(killed.executed("results/groups.json"))
    assert after
    assert not before & after
    assert before | after == set(asked(undisturbed))
    assert_same(killed, results(undisturbed))


def test_bounded_groups_are_called_so_and_nothing_trains_the_rest(searching, capsys):
    tree = searching
    tree.config["search"] |= {"certificate": "bounded", "confidence": 0.51, "delta": 9.0}
    for folder in ("models", "verify", "reseeded"):
        shutil.rmtree(tree.path(folder), ignore_errors=True)
    said = tree.run("--dry-run", "all")
    assert "Ahead of the search (budget): likely as much as" in said
    jobs = tree.executed("all")
    trials = asked(tree)
    finished = [name for name in THREE if name in trials]
    assert len(finished) < 3
    # Neither for Table 1 nor for the mix of all or a noise that nothing is compared with.
    assert trained(jobs) == {*trials} | {"jpeg with seed 1"} & {
        f"{name} with seed 1" for name in finished
    }
    result = found(tree)
    bounded = [group for group in result["groups"] if "probability" in group]
    assert bounded
    for group in bounded:
        assert group["feasible"] is None
        assert 0.51 <= group["probability"] <= 1
        assert not set(group["degradations"]) <= set(finished)
        assert group["name"] not in {verified["name"] for verified in result["verified"]}
    assert "Bounded, not verified" in result["verdict"]
    assert tree.jobs("all") == set()
    assert main(["explain", str(tree.path(""))]) == 0
    told = capsys.readouterr().out
    assert "passes with probability" in told
    assert f"as much as {result['trainings']['cost']:.2f} whole trainings; nothing is left" in told
    assert main(["simulate", str(tree.path("")), "--strategies", "budget", "active"]) == 0
    assert "budget" in capsys.readouterr().out
    assert main(["status", str(tree.path("")), "--folder", str(tree.folder)]) == 0
    told = capsys.readouterr().out
    ends = len(trials) + ("jpeg" in finished) + 1  # the descriptor
    assert f"trainings      {ends} done" in told


def test_failures_are_gone_round_and_models_from_elsewhere_are_not_finished(searching):
    """Notes of failures are put in the place of short trainings; all else is the workflow's."""
    tree = searching
    groups = [group_name(group) for size in (2, 3) for group in combinations(THREE, size)]
    for group in groups:
        folder = tree.path(f"levels/20/models/srresnet/{group}")
        failures.note(folder / "model.safetensors", folder / "history.parquet", "diverged: nan")
    table = pd.read_parquet(tree.path("verify/srresnet/sr/own.parquet")).assign(group="sr")
    columns = ["group", "degradation", "image", "psnr_db"]
    table[columns].to_csv(tree.folder / "mine.csv", index=False)
    tree.config["search"] |= {"measurements": "mine.csv", "requests_per_round": 11, "delta": 9.0}
    assert "failed for good; delete its folders" in tree.snakemake("results/groups.json").stdout
    tree.config["search"]["failed"] = "infeasible"
    assert not {name for name in trained(tree.executed("results/groups.json")) if "+" in name}
    trials = asked(tree)
    assert "sr@20" in trials
    assert "sr" not in trials
    result = found(tree)
    assert set(result["failed"]) <= set(groups)
    assert result["failed"]
    assert [group["name"] for group in result["groups"]] == THREE
    assert result["trainings"]["single"] == 2
