"""Disks that fill, other file systems, and two runs at once."""

import os
import shutil
import subprocess
import time

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 200 KiB; `grow` makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder):
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)


@pytest.mark.parametrize("target", ["models/srresnet/jpeg/model.safetensors", "pies/jpeg.parquet"])
def test_a_full_disk_is_said_in_a_line_and_the_next_run_goes_on(tree, small_disk, target):
    tree.config["results"] = str(small_disk / "results")
    if target.startswith("pies"):
        (small_disk / "ballast").write_bytes(bytes(170_000))
    done = tree.snakemake(f"{small_disk}/results/{target}")
    assert done.returncode != 0
    assert done.stdout.count("error: No space left on device; make room and run again") == 1
    assert "Traceback" not in done.stdout
    grow(small_disk)
    tree.run(f"{small_disk}/results/{target}")
    assert (small_disk / "results" / target).exists()


def test_results_on_another_file_system(tree):
    folder = f"/dev/shm/grids-test-{os.getpid()}"
    tree.config["results"] = folder
    try:
        tree.run(f"{folder}/pies/jpeg.parquet")
        assert tree.jobs(f"{folder}/pies/jpeg.parquet") == set()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_second_run_in_the_same_folder_says_so(tree):
    with tree.start("results/pies/jpeg.parquet", stdout=subprocess.PIPE) as first:
        while not list((tree.folder / ".snakemake").glob("locks/*")):
            time.sleep(0.05)
        second = tree.snakemake("results/pies/jpeg.parquet")
        first.communicate()
    assert first.returncode == 0
    assert second.returncode != 0
    assert "cannot be locked" in second.stdout
