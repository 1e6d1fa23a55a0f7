"""Results that nothing asks for any more: they are listed, never deleted by themselves."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from grids import records
from grids.errors import InputError

LEFT_OVER = re.compile(r"state\.aside-\d+|.+\.broken|\..+\.\d+")
"""What trainings set aside (`grids.training.state`), and files that a kill kept from appearing."""

SECONDS_OF_WRITING = 3600.0
"""A file younger than this may still be growing."""


def wanted(options: Sequence[str]) -> dict[Path, bool]:
    """Files that the workflow of this directory makes or has made for its target `all`.

    Args:
        options: of Snakemake, such as `--configfile`.

    Returns:
        For each whether it stays as it is; false: it is about to be made, or made anew.

    Raises:
        InputError: Snakemake's last line, where it cannot tell.
    """
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--summary", *options], capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).split("\n")
        raise InputError([line for line in lines if line.strip()][-1].removeprefix("error: "))
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    return {Path(row[0]): row[-1] == "no update" for row in rows}


def orphans(results: Path, wanted: Mapping[Path, bool]) -> Iterator[Path]:
    """Results that are not wanted: of groups that no plan asks for, of settings left behind.

    What was made for another target than `all` is among them.

    Args:
        results: the folder of the results.
        wanted: files that the workflow asks for and whether they stay as they are, named from the
            same directory as `results`.

    Raises:
        InputError: the workflow makes its results elsewhere, or the search has not ended or must
            be gone through again, so that it is not known what it will ask for.
    """
    groups = results / "groups.json"
    if groups not in wanted:
        raise InputError(
            f"{results}: not the results of this workflow as its configuration writes them; "
            "name those, and the configuration behind --"
        )
    if not wanted[groups]:
        raise InputError(
            f"{results}: no finished search with these settings; what is needed is not known "
            "before its end: run the workflow first"
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
    # Not all below: another tree of results may lie in this one.
    for top in ("descriptor", "models", "reseeded"):
        for folder in (results / top).rglob("state"):
            if folder.with_name("model.safetensors").exists():
                yield folder


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
