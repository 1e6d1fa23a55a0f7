"""Disks that fill, other file systems, and two runs at once."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of a size at a folder; called again, it makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size, *options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs"]
        if os.geteuid() != 0 or subprocess.run([*command, folder], capture_output=True).returncode:
            pytest.skip("mounting a small file system needs root")
        return folder

    yield mount
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize(
    ("size", "target"),
    [("60k", "models/srresnet/jpeg/model.safetensors"), ("24k", "pies/jpeg.parquet")],
)
def test_a_full_disk_is_said_in_a_line_and_the_next_run_goes_on(tree, small_disk, size, target):
    folder = small_disk(size)
    tree.config["results"] = str(folder / "results")
    done = tree.snakemake(f"{folder}/results/{target}")
    assert done.returncode != 0
    assert done.stdout.count("error: No space left on device; make room and run again") == 1
    assert "Traceback" not in done.stdout
    small_disk("64m", "remount")
    tree.run(f"{folder}/results/{target}")
    assert (folder / "results" / target).exists()


def test_results_on_another_file_system(tree):
    folder = f"/dev/shm/grids-test-{os.getpid()}"
    tree.config["results"] = folder
    try:
        tree.run(f"{folder}/pies/jpeg.parquet")
        assert tree.jobs(f"{folder}/pies/jpeg.parquet") == set()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def standing_still(tree, target):
    """A run that has locked what it writes, stopped; it goes on to its end afterwards."""
    with tree.start(target, stdout=subprocess.PIPE) as run:
        locks = tree.folder / ".snakemake" / "locks"
        # The last file of its lock, with the names in it.
        while not any(path.stat().st_size for path in locks.glob("*.output.lock")):
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            run.send_signal(signal.SIGCONT)
            run.communicate()
    assert run.returncode == 0


def test_results_that_cannot_be_written_are_named(tree):
    tree.config["results"] = "/proc/results"  # where not even root makes folders
    done = tree.snakemake("/proc/results/images/pies.parquet")
    assert done.returncode != 0
    assert "results: /proc/results: nothing can be written there (No such file" in done.stdout
    assert "grids/base/files.py" not in done.stdout


def test_a_second_run_on_the_same_results_says_so(tree):
    with standing_still(tree, "results/pies/jpeg.parquet"):
        second = tree.snakemake("results/pies/jpeg.parquet")
    assert second.returncode != 0
    assert "cannot be locked" in second.stdout


def test_two_runs_with_results_of_their_own_go_side_by_side(tree):
    with standing_still(tree, "results/pies/jpeg.parquet"):
        tree.run("other/pies/jpeg.parquet", "--config", "results=other")
    made = [
        (tree.folder / f"{name}/pies/jpeg.parquet").read_bytes() for name in ("results", "other")
    ]
    assert made[0] == made[1]
