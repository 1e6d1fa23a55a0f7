"""What a user may give to the search: groups, measurements, and an answer to failed trainings."""

import json
import os
import shutil
import time
from itertools import combinations
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from grids.base.errors import NotFiniteError
from grids.jobs import failures
from grids.jobs.job import job
from grids.search.group_names import group_name

FOUR = ["gaussian_noise", "jpeg", "poisson_noise", "sr"]
MIX = group_name(FOUR)


def found(tree):
    return json.loads(tree.path("groups.json").read_text(encoding="utf-8"))


def trained(jobs):
    return {job.removeprefix("Training srresnet on ") for job in jobs if job.startswith("Training")}


def test_given_groups_are_trained_whatever_they_drop(other):
    other.config["search"] |= {"strategy": "given", "groups": [["sr", "jpeg"], FOUR[::2]]}
    other.config["search"]["delta"] = 1e-6
    shutil.rmtree(other.path("models/srresnet/jpeg+sr"), ignore_errors=True)
    # The groups that stand there are the answer of another search.
    jobs = other.executed("results/groups.json")
    assert trained(jobs) <= {"jpeg+sr", "gaussian_noise+poisson_noise"}
    result = found(other)
    names = {group["name"] for group in result["groups"]}
    assert names == {"jpeg+sr", "gaussian_noise+poisson_noise"}
    for group in result["groups"]:
        assert group["feasible"] == (max(group["drop_db"].values()) <= 1e-6)
    assert "given" in result["verdict"]
    other.run("all")
    text = other.path("report/table1_srresnet_own.txt").read_text(encoding="utf-8")
    assert "strategy given" in text


def test_a_start_says_how_much_is_ahead_and_ends_no_run_with_it(other):
    def ahead():
        printed = other.run("--dry-run", "all").splitlines()
        return [text for text in printed if "of the search (" in text]

    assert ahead() == []
    other.config["training"]["iterations"] = 4
    printed = other.run("--dry-run", "results/models/srresnet/jpeg/model.safetensors")
    assert "of the search (" not in printed
    (said,) = ahead()
    assert "besides 5 of single-task models and of the mix of all" in said
    assert "1 with another seed" in said
    assert "likely 0" not in said
    other.config["training"]["iterations"] = 3
    other.path("groups.json").unlink()
    table = pd.read_parquet(other.path("verify/srresnet/jpeg/own.parquet"))
    table.drop(columns="psnr_db").to_parquet(other.path("verify/srresnet/jpeg/own.parquet"))
    (said,) = ahead()
    assert said.startswith("No forecast of the search (KeyError")


def test_models_from_elsewhere_are_not_trained(other):
    table = pd.concat(
        pd.read_parquet(other.path(f"verify/srresnet/{group}/own.parquet")).assign(group=group)
        for group in ("jpeg", "sr", MIX)
    )
    for group in ("jpeg", "sr", MIX):
        for kind in ("models", "verify"):
            shutil.rmtree(other.path(f"{kind}/srresnet/{group}"))
    columns = ["group", "degradation", "image", "psnr_db"]
    table[columns].to_csv(other.folder / "mine.csv", index=False)
    other.config["search"]["measurements"] = "mine.csv"
    assert "report.noise_degradations: jpeg" in other.error("all")
    other.config["report"]["noise_degradations"] = ["poisson_noise"]
    other.config["training"]["weights"] = "auto"
    assert "single-task model of jpeg has no validations" in other.error("all")
    other.config["training"]["weights"] = {}
    jobs = other.executed("all")
    assert not trained(jobs) & {"jpeg", "sr", MIX}
    result = found(other)
    assert result["trainings"]["single"] == 2
    origin = {group["name"]: group["origin"] for group in result["verified"]}
    assert origin[MIX] == "measurements"
    for group in result["groups"]:
        assert (group["model"] is None) == (group["origin"] == "measurements")
    # The same rows give the same answer; others are taken in.
    assert other.jobs("all") == set()
    table.loc[table["group"] == "jpeg", "psnr_db"] += 0.5
    table[columns].to_csv(other.folder / "mine.csv", index=False)
    # A clock that goes wrong, a camera's or another machine's.
    os.utime(other.folder / "mine.csv", (time.time() + 10**6,) * 2)
    again = other.executed("all")
    assert "Taking jpeg on own from elsewhere" in again
    assert "Taking sr on own from elsewhere" not in again
    table[table["image"] != "0.png"][columns].to_csv(other.folder / "mine.csv", index=False)
    assert "has no row of image 0.png" in other.error("all")


def test_the_search_goes_round_trainings_that_failed(other):
    """Notes of failures are put in the place of models; all else is the workflow's."""
    groups = [group_name(g) for size in (2, 3) for g in combinations(FOUR, size)]
    for group in groups:
        shutil.rmtree(other.path(f"verify/srresnet/{group}"), ignore_errors=True)
        folder = other.path(f"models/srresnet/{group}")
        shutil.rmtree(folder, ignore_errors=True)
        failures.note(folder / "model.safetensors", folder / "history.parquet", "diverged: nan")
    other.config["search"] |= {"strategy": "exhaustive", "requests_per_round": 10, "delta": 1e-6}
    done = other.snakemake("all")
    assert done.returncode != 0
    assert "failed for good; delete its folders" in done.stdout
    other.config["search"]["failed"] = "infeasible"
    jobs = other.executed("all")
    assert not trained(jobs)
    result = found(other)
    assert result["failed"] == sorted(groups)
    assert not {group["name"] for group in result["groups"]} & set(groups)


@pytest.mark.parametrize(
    ("error", "recorded", "group", "ends_well"),
    [
        (NotFiniteError("the loss is nan at step 3"), True, "jpeg+sr", True),
        (MemoryError("Unable to allocate"), True, "jpeg+sr", True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True, "jpeg+sr", True),
        (RuntimeError("a mistake in the code"), True, "jpeg+sr", False),
        (NotFiniteError("the loss is nan at step 3"), False, "jpeg+sr", False),
        (ZeroDivisionError("a mistake in the code"), True, "jpeg+sr", False),
        (NotFiniteError("the loss is nan at step 3"), True, "jpeg", False),
    ],
)
def test_a_failure_that_is_declared_an_answer_is_noted(
    tmp_path, monkeypatch, error, recorded, group, ends_well
):
    monkeypatch.chdir(tmp_path)

    class Files(list):
        weights = "results/models/net/group/model.safetensors"
        history = "results/models/net/group/history.parquet"

    settings = {"recorded": recorded, "backbone": "net", "references": ["jpeg", "sr"]}
    fake = SimpleNamespace(
        config={
            "results": "results",
            "failures": settings,
            "rules": {"grids_train": "train"},  # as a module of another workflow
        },
        log=["log"],
        input=[],
        output=Files([Files.weights, Files.history]),
        params={},
        rule="grids_train",
        wildcards={"backbone": "net", "group": group},
    )

    def attempt():
        with job(fake):
            raise error

    if ends_well:
        attempt()
        assert failures.noted(tmp_path / Files.weights).endswith(str(error))
        assert len(pd.read_parquet(tmp_path / Files.history)) == 0
        record = tmp_path / "results/records/models/net/group/model.safetensors.json"
        assert json.loads(record.read_text())["rule"] == "train"
    else:
        with pytest.raises((SystemExit, type(error))):
            attempt()
        assert not (tmp_path / Files.weights).exists()


@pytest.mark.parametrize("error", [MemoryError("9 bytes"), torch.OutOfMemoryError("CUDA")])
def test_a_job_that_runs_out_of_memory_says_what_helps(tmp_path, monkeypatch, error):
    monkeypatch.chdir(tmp_path)
    settings = {"results": "results", "failures": {"recorded": False, "backbone": "net"}}
    settings["rules"] = {"train": "train"}
    fake = SimpleNamespace(config=settings, log=["log"], input=[], rule="train", wildcards={})
    line = f"error: out of memory: {error}; .*execution.accumulation"
    with pytest.raises(SystemExit, match=line), job(fake):
        raise error
    assert "Traceback" in (tmp_path / "log").read_text()


def test_weights_are_no_note(finished):
    assert failures.noted(finished.path("models/srresnet/jpeg/model.safetensors")) is None
