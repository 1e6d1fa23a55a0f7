"""What is said is said whatever the encoding of the terminal is, and does not steer it."""

import os
import subprocess
import sys

import pytest

from grids.base import printing

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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bäume am See 🌲.jpg", "Bäume am See 🌲.jpg"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred\x9b", "\\x1b[31mred\\x9b"),
        ("half \udcff", "half \\udcff"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("gpj.\u202egepj\u2066", "gpj.\\u202egepj\\u2066"),
        # As macOS writes times.
        ("10.15\u202fPM.png", "10.15\u202fPM.png"),
    ],
)
def test_what_would_steer_a_terminal_is_an_escape(text, shown):
    assert printing.on_one_line(text) == shown
