"""A job says what it has to say whatever the encoding of the terminal is."""

import os
import subprocess
import sys

CODE = """
import sys
from types import SimpleNamespace
from grids.jobs.job import job

class Named(dict):
    def __iter__(self):
        return iter(self.values())

snakemake = SimpleNamespace(
    config={"results": sys.argv[1], "rules": {"r": "r"}}, log=[sys.argv[1] + "/log"],
    input=[], output=Named(), rule="r", wildcards={}, params={},
)
with job(snakemake) as say:
    say("δ = 0.1 ± 0.02 → 写真")
    print("δ")
"""


def test_a_job_prints_with_escapes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii:strict"},
    )
    assert done.returncode == 0, done.stderr
    assert rb"\u03b4 = 0.1 \xb1 0.02" in done.stderr
    assert done.stdout == b"\\u03b4\n"
    assert "δ = 0.1 ± 0.02 → 写真" in (tmp_path / "log").read_text(encoding="utf-8")
