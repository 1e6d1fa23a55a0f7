import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grids.base.errors import InputError
from grids.runs import recovery

SLEEPING = "import time; time.sleep(600)"
# What `forks` puts in its place is for the Snakemake that unlocks.
PYTHON = sys.executable


@pytest.fixture
def started(tmp_path):
    processes = []

    def start(*command, **environment):
        given = os.environ | environment
        processes.append(subprocess.Popen(command, cwd=tmp_path, env=given))
        pid = processes[-1].pid
        # A process that has only just begun may not have a command line yet.
        while command[-1].encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            assert processes[-1].poll() is None
            time.sleep(0.01)
        return pid

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Puts jobs into a queue that was submitted to from the folder: numbers with comments."""

    def submitted(**jobs):
        lines = [f"{id[1:]}|RUNNING|1:00|9:00|n1|{work}|{tmp_path}" for id, work in jobs.items()]
        command = tmp_path / "bin" / "squeue"
        command.parent.mkdir(exist_ok=True)
        command.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
        command.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return submitted


def test_who_reads_the_log_is_no_snakemake(tmp_path, started):
    (tmp_path / "1.snakemake.log").touch()
    started(shutil.which("tail"), "-f", "1.snakemake.log")
    own = started(PYTHON, "-c", SLEEPING, "snakemake")
    by_path = started(PYTHON, "-c", SLEEPING, "/opt/bin/snakemake", "all")
    assert set(recovery.snakemakes(tmp_path)) == {own, by_path}


def test_a_snakemake_in_an_allocation_is_one_and_what_it_starts_for_a_job_is_none(
    tmp_path, started
):
    own = started(PYTHON, "-c", SLEEPING, "snakemake", "all", SLURM_JOB_ID="7")
    started(PYTHON, "-c", SLEEPING, "snakemake", "--mode", "remote", SLURM_JOB_ID="8")
    assert list(recovery.snakemakes(tmp_path)) == [own]
    with pytest.raises(InputError, match=f"Snakemake runs here .process {own}."):
        recovery.recover(tmp_path, False, print)


def test_scripts_that_outlived_their_snakemake_are_waited_for(
    forks, tmp_path, started, queue, monkeypatch
):
    script = tmp_path / ".snakemake" / "scripts" / "tmp1.train.py"
    script.parent.mkdir(parents=True)
    script.write_text(SLEEPING)
    process = started(PYTHON, str(script))
    assert list(recovery.snakemakes(tmp_path)) == []
    queue()
    said = []

    def waited(seconds):
        os.kill(process, 9)
        os.waitpid(process, 0)

    monkeypatch.setattr(recovery.time, "sleep", waited)
    recovery.recover(tmp_path, False, said.append)
    assert said[0] == "waiting for 1 job to be over"
    assert said[-1].endswith("run snakemake again")


def test_a_job_of_the_queue_whose_script_runs_here_counts_once(
    forks, tmp_path, started, queue, monkeypatch
):
    script = tmp_path / ".snakemake" / "scripts" / "tmp1.train.py"
    script.parent.mkdir(parents=True)
    script.write_text(SLEEPING)
    of_array = {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "8", "SLURM_ARRAY_TASK_ID": "2"}
    processes = [
        started(PYTHON, str(script), **environment)
        for environment in ({"SLURM_JOB_ID": "7"}, of_array)
    ]
    queue(_7="rule_train", _8_2="rule_train", _11="rule_train")
    said = []

    def waited(seconds):
        if said[-1] == "waiting for 3 jobs to be over":
            queue()  # as scripts outlive their jobs where a node is lost
        else:
            process = processes.pop()
            os.kill(process, 9)
            os.waitpid(process, 0)

    monkeypatch.setattr(recovery.time, "sleep", waited)
    recovery.recover(tmp_path, False, said.append)
    assert said[3:] == [
        "waiting for 3 jobs to be over",
        "waiting for 2 jobs to be over",
        "waiting for 1 job to be over",
        "no job is live, the folder is unlocked: run snakemake again",
    ]


def test_a_snakemake_on_another_machine_may_run_in_a_job(forks, tmp_path, queue, monkeypatch):
    queue(_7="(null)")
    with pytest.raises(InputError, match="job 7 was submitted here and makes no result; if"):
        recovery.recover(tmp_path, False, print)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    said = []
    recovery.recover(tmp_path, False, said.append)
    assert said == ["no job is live, the folder is unlocked: run snakemake again"]
