"""Results that nothing asks for any more: they are listed, never deleted by themselves."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from grids import records
from grids.errors import InputError

LEFT_OVER = re.compile(r"state\.aside-\d+|.+\.broken|\..+\.\d+")
"""What trainings set aside (`grids.training.state`), and files that a kill kept from appearing."""

SECONDS_OF_WRITING = 3600.0
"""A file younger than this may still be growing."""


def wanted(options: Sequence[str]) -> set[Path]:
    """Files that the workflow of this directory makes or has made for its target `all`.

    Args:
        options: of Snakemake, such as `--configfile`.

    Raises:
        InputError: Snakemake's last line, where it cannot tell.
    """
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--summary", *options], capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).split("\n")
        raise InputError([line for line in lines if line.strip()][-1].removeprefix("error: "))
    return {Path(line.split("\t")[0]) for line in done.stdout.splitlines()[1:]}


def orphans(results: Path, wanted: set[Path]) -> Iterator[Path]:
    """Results that are not wanted: of groups that no plan asks for, of settings left behind.

    What was made for another target than `all` is among them.

    Args:
        results: the folder of the results.
        wanted: files that the workflow asks for, named from the same directory as `results`.

    Raises:
        InputError: the search has not ended, so that it is not known what it will ask for.
    """
    if results / "groups.json" not in wanted or not (results / "groups.json").exists():
        raise InputError(
            f"{results}: no finished search; what is needed is not known before its end"
        )
    for output, _, _ in records.recorded(results):
        if output not in wanted:
            yield output
    for path in sorted(results.rglob("*")):
        old = time.time() - path.lstat().st_mtime > SECONDS_OF_WRITING
        if old and LEFT_OVER.fullmatch(path.name):
            yield path


def spent(results: Path) -> Iterator[Path]:
    """Folders of checkpoints whose training has ended well: its weights stand beside them.

    Args:
        results: the folder of the results, of a workflow that has ended well.
    """
    for folder in results.rglob("state"):
        if folder.with_name("model.safetensors").exists():
            yield folder


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
