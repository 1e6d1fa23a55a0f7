import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grids.runs import recovery


@pytest.fixture
def started(tmp_path):
    processes = []

    def start(*command):
        processes.append(subprocess.Popen(command, cwd=tmp_path))
        pid = processes[-1].pid
        # A process that has only just begun may not have a command line yet.
        while command[-1].encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.01)
        return pid

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
