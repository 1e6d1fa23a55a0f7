"""Results that nothing asks for any more: they are listed, never deleted by themselves."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from grids.base.errors import InputError
from grids.jobs import places, records

LEFT_OVER = re.compile(r"(?:state|trunk)\.aside-\d+|.+\.broken|\..+\.\d+")
"""What trainings set aside (`grids.training.state`), and files that a kill kept from appearing."""

SECONDS_OF_WRITING = 3600.0
"""A file younger than this may still be growing."""

BEHIND_THE_MESSAGE = re.compile(r"^(?:Wildcards|Traceback):$", re.MULTILINE)
BEFORE_THE_MESSAGE = re.compile(r"\w*(Error|Exception)( in .+)?:")
"""What Snakemake prints around the message of an error."""


def wanted(options: Sequence[str]) -> dict[Path, bool]:
    """Files that the workflow of this directory makes or has made for its targets.

    Args:
        options: of Snakemake, such as `--configfile`; targets, if not `all` alone.

    Returns:
        For each whether it stays as it is; false: it is about to be made, or made anew.

    Raises:
        InputError: Snakemake's message, where it cannot tell.
    """
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--summary", *options], capture_output=True, text=True
    )
    if done.returncode:
        raise InputError(_message(done.stdout + done.stderr))
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    return {Path(row[0]): row[-1] == "no update" for row in rows}


def _message(printed: str) -> str:
    """The message of the error that ended Snakemake, on one line."""
    lines = BEHIND_THE_MESSAGE.split(printed)[0].splitlines()
    lines = [line.strip() for line in lines if line.strip() and not line.startswith('  File "')]
    before = [at for at, line in enumerate(lines) if BEFORE_THE_MESSAGE.fullmatch(line)]
    message = lines[before[-1] + 1 :] if before else []
    said = " ".join(message or lines[-1:]).removeprefix("error: ").removeprefix("Error: ")
    if "No Snakefile found" in said:
        return f"{said} Run it where snakemake is run, or name it behind --: --snakefile FILE."
    return said


def orphans(results: Path, wanted: Mapping[Path, bool]) -> Iterator[Path]:
    """Results that are not wanted: of groups that no plan asks for, of settings left behind.

    What was made for other targets than those behind `wanted` is among them.

    Args:
        results: the folder of the results.
        wanted: files that the workflow asks for and whether they stay as they are, named from the
            same directory as `results`.

    Raises:
        InputError: the workflow makes its results elsewhere, `all` is not among its targets, or
            the search has not ended or must be gone through again, so that it is not known what
            it will ask for.
    """
    groups = results / places.GROUPS
    if groups not in wanted:
        elsewhere = [path.parent for path in wanted if path.name == groups.name]
        if not elsewhere:
            raise InputError(
                f"{results}: it is not known what the search needs; name `all` too: "
                f"`grids orphans {results} -- TARGET all --configfile FILE`"
            )
        raise InputError(
            f"{results}: not the results of this configuration, which are in {elsewhere[0]}; "
            "name the configuration that they were made with: "
            f"`grids orphans {results} -- --configfile FILE`"
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
    """Folders of trainings that have ended well: what they were for stands beside them.

    Args:
        results: the folder of the results, of a workflow that has ended well.
    """
    # Not all below: another tree of results may lie in this one.
    for place in (places.DESCRIPTOR, places.MODEL, places.LEVEL_MODEL, places.RESEEDED_MODEL):
        for weights in places.found(results, place):
            if (folder := weights.with_name("state")).is_dir():
                yield folder
    # Of trainings that measured affinities alone.
    for path in places.found(results, places.AFFINITY):
        if (folder := path.with_suffix("")).is_dir():
            yield folder


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
