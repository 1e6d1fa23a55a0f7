import shutil
import subprocess
import sys

import pytest

from grids import recovery


@pytest.fixture
def started(tmp_path):
    processes = []

    def start(*command):
        processes.append(subprocess.Popen(command, cwd=tmp_path))
        return processes[-1].pid

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_who_reads_the_log_is_no_snakemake(tmp_path, started):
    (tmp_path / "1.snakemake.log").touch()
    started(shutil.which("tail"), "-f", "1.snakemake.log")
    sleeping = "import time; time.sleep(60)"
    own = started(sys.executable, "-c", sleeping, "snakemake")
    by_path = started(sys.executable, "-c", sleeping, "/opt/bin/snakemake", "all")
    assert set(recovery.snakemakes(tmp_path)) == {own, by_path}
