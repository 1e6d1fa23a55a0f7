"""Submissions that SLURM refuses: the run ends with the reason, at once and however it comes."""

import os
import re
import time

import pytest
from cluster import PROGRAMS, why_not
from conftest import write_photographs
from trees import ClusterTree, Run

pytest_plugins = ["cluster_fixtures"]
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(why_not()), reason=why_not())]

# Of which Snakemake needs about ten to start, on a machine that is busy.
SECONDS = 60
LAWS = "results/similarity.parquet"
UNAVAILABLE = "sbatch: error: Batch job submission failed: Requested node configuration is not"


@pytest.fixture
def tree(tmp_path):
    write_photographs(tmp_path / "photographs")
    return ClusterTree(tmp_path)


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Puts commands in front of those of the machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def write(name, body):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (folder / name).chmod(0o755)

    return write


def refused(tree, resources, *targets):
    """The last line of a run that ends before it submits anything."""
    tree.config["resources"] = resources
    begun = time.monotonic()
    done = tree.snakemake(*(targets or [LAWS]))
    print(f"{time.monotonic() - begun:.1f} s")
    assert done.returncode == 1, done.stdout
    assert time.monotonic() - begun < SECONDS
    assert "has been submitted" not in done.stdout
    assert tree.work() == []
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (
            {"partition": "nope"},
            "error: resources.prepare: SLURM refuses --partition=nope .*"
            "sbatch: error: Batch job submission failed: Invalid partition name specified",
        ),
        (
            {"verify": {"mem_mb": "90GB"}},
            f"error: resources.verify: SLURM refuses --mem=90000 .*{UNAVAILABLE}",
        ),
        (
            {"verify": {"gpus": 5}},
            f"error: resources.verify: SLURM refuses .* --gpus=5 .*{UNAVAILABLE}",
        ),
        (
            {"train": {"gpus": 1, "gpu_model": "a100"}},
            f"error: resources.train: SLURM refuses .* --gpus=a100:1 .*{UNAVAILABLE}",
        ),
        (
            {"constraint": "infiniband"},
            "sbatch: error: Batch job submission failed: Invalid feature specification",
        ),
        ({"gres": "nvme:1"}, r"sbatch: error: Invalid generic resource \(gres\) specification"),
        ({"reservation": "ours"}, "submission failed: Requested reservation is invalid"),
        ({"exclude": "n7"}, "submission failed: Invalid node name specified"),
        ({"extra": "--exclusif"}, "sbatch: unrecognized option '--exclusif'"),
        # Each of them fits a node.
        (
            {"describe": {"mem_mb": 23000}},
            rf"error: group laws of 4 jobs \(group-components\): .* --mem=92000 .*{UNAVAILABLE}",
        ),
    ],
)
def test_what_no_node_can_give_is_refused_in_the_words_of_sbatch(cluster, tree, resources, reason):
    last = refused(tree, resources)
    assert re.search(reason, last), last


def test_a_job_that_would_wait_forever_for_its_partition(cluster, tree):
    cluster.ask("scontrol", "update", "PartitionName=main", "MaxTime=60")
    try:
        last = refused(tree, {"verify": {"runtime": "2:00:00"}})
    finally:
        cluster.ask("scontrol", "update", "PartitionName=main", "MaxTime=INFINITE")
    assert last.startswith("error: resources.verify: asks for 120 minutes, but the partition"), last


# As where there is accounting: sbatch itself takes any account here.
LAB = 'case "$*" in *list\\ user*) echo {} ;; esac'


def test_an_account_that_the_user_does_not_have(cluster, tree, commands):
    commands("sacctmgr", LAB.format("lab"))
    last = refused(tree, {"account": 12345})
    assert "The given account 12345 appears to be invalid. Available accounts: lab" in last


def test_no_controller(cluster, tree, monkeypatch):
    """Nor does what asks for the jobs, were it to ask all the time, say anything after that."""
    monkeypatch.setenv("ASKING_EVERY", "0")
    cluster.kill("slurmctld")
    try:
        tree.config["resources"] = {}
        last = tree.snakemake(LAWS).stdout.splitlines()[-1]
    finally:
        cluster.start_controller()
    assert "Unable to contact slurm controller (connect failure)" in last


def test_no_slurm(cluster, tree, tmp_path, monkeypatch):
    bare = tmp_path / "bare"
    bare.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in os.scandir(folder) if os.path.isdir(folder) else ():
            if program.name not in PROGRAMS and not (bare / program.name).is_symlink():
                (bare / program.name).symlink_to(program.path)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(bare))
        tree.config["resources"] = {}
        last = tree.snakemake(LAWS).stdout.splitlines()[-1]
    assert last == "error: sbatch: no such command; there is no SLURM here"


def test_a_dry_run_says_what_jobs_ask_for_and_asks_nobody(cluster, tree, commands):
    for name in ("sbatch", "sinfo"):
        commands(name, "exit 1")
    tree.config["resources"] = {
        "account": 12345,
        "train": {"mem_mb": "32GB", "runtime": "24:00:00", "gpus": 1, "constraint": "a100"},
    }
    lines = tree.run("--dry-run", LAWS).splitlines()
    begin = lines.index("What a job asks for, by kind:")
    assert [line.split(":")[0].strip() for line in lines[begin + 1 : begin + 5]] == [
        *("prepare", "describe", "train", "verify")
    ]
    assert lines[begin + 3] == (
        "  train: --account=12345 --constraint=a100 --mem=32000 --time=1440 --gpus=1 "
        "--cpus-per-task=1 --open-mode=append"
    )


def last_lines(printed):
    return [line for line in printed.splitlines() if line.startswith("error: ")]


def test_sbatch_refuses_a_group_later_on(cluster, tree):
    run = Run(cluster, tree, LAWS)
    run.job()
    cluster.ask("scontrol", "update", "PartitionName=main", "State=INACTIVE")
    try:
        assert run.finish() == 1
    finally:
        cluster.ask("scontrol", "update", "PartitionName=main", "State=UP")
    said = last_lines(run.everything_printed())
    assert said
    assert all("sbatch: error: Batch job submission failed: Required part" in line for line in said)
    assert any(line.startswith("error: submitting pies_") for line in said)


def test_a_group_cannot_be_submitted_later_on(cluster, tree, commands, tmp_path):
    """Which its handler of errors does not survive in the executor as it is."""
    other = f"test -e {tmp_path}/asked && echo other || echo lab; touch {tmp_path}/asked"
    commands("sacctmgr", LAB.format(f"; {other}"))
    tree.config["resources"] = {"account": "lab"}
    run = Run(cluster, tree, LAWS)
    run.let_go_on(SECONDS)
    assert run.snakemake.poll() == 1
    (said,) = last_lines(run.everything_printed())
    assert said.startswith("error: submitting photographs_")
    assert "The given account lab appears to be invalid. Available accounts: other" in said


def test_jobs_get_what_they_ask_for_and_log_beside_the_results(cluster, tree):
    tree.config["results"] = "elsewhere/results"
    tree.config["resources"] = {
        "exclude": "n1",
        "extra": "--nice=7",
        "prepare": {"mem_mb": "1.5GB", "runtime": "1:30:00"},
    }
    run = Run(cluster, tree, "elsewhere/results/pies/clean.parquet")
    number = run.job()["id"]
    fields = ("ExcNodeList", "Nice", "NodeList", "TimeLimit")
    assert [cluster.of_job(number, field) for field in fields] == ["n1", "7", "n2", "01:30:00"]
    assert run.finish() == 0, run.everything_printed()
    logs = tree.folder / "elsewhere" / "results" / "logs" / "slurm"
    assert number in {path.stem for path in logs.rglob("*.log")}
    assert not (tree.folder / "results").exists()
    # With nothing to do, nobody is asked.
    cluster.kill("slurmctld")
    try:
        assert "Nothing to be done" in tree.run("elsewhere/results/pies/clean.parquet")
    finally:
        cluster.start_controller()
