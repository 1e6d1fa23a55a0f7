"""Records of what results were made with, beside the results.

Snakemake remembers the parameters of finished jobs in `.snakemake` and runs a job again when they
change. Where that folder is gone, it takes all files as they stand. So each job also leaves a
record for each of its outputs under `results/records`, and a twin of it in `.snakemake`: a record
without its twin tells that Snakemake's memory is lost, and its parameters whether the result is
still what is asked for. The record's checksum tells whether a file is as it was written.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.files import appearing, sha256
from grids.jobs import places

# What must go when Snakemake's memory goes.
MEMORY = Path(".snakemake") / "grids"

Expected = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""Today's parameters of a rule's job with these wildcards, as far as known; None: no such job."""

# Larger files are stores of pixels, whose size is checked against their index; a folder is an
# export, which has checksums of its own.
LARGEST_CHECKED = 1 << 30


def write(
    results: Path, rule: str, wildcards: dict[str, Any], outputs: list[str], params: dict[str, Any]
) -> None:
    """Records a finished job; `params` are plain values as Snakemake has them."""
    for output in outputs:
        record = {
            "rule": rule,
            "wildcards": wildcards,
            "sha256": _checksum(Path(output)),
            "params": params,
        }
        path = _path(results, output)
        with appearing(path) as temporary:
            text = json.dumps(record, indent=1, default=list) + "\n"
            temporary.write_text(text, encoding="utf-8")
        twin = _twin(results, path)
        twin.parent.mkdir(parents=True, exist_ok=True)
        twin.touch()


def check(results: Path, inputs: Iterable[str]) -> None:
    """Files that jobs have made must be as they were written.

    Raises:
        InputError: names the first that is not.
    """
    for name in inputs:
        record = read(_path(results, name)) if Path(name).is_relative_to(results) else None
        if record and record["sha256"] != _readable_checksum(Path(name)):
            raise InputError(f"{name}: not as it was written (damaged?); delete it and run again")


def stale(results: Path, expected: Expected) -> Iterator[tuple[str, list[str]]]:
    """Results of which Snakemake has no memory and that were made with other parameters.

    Args:
        results: folder of the results.
        expected: the parameters that a rule has now for these wildcards, as far as they are known;
            None if there is no such job.

    Yields:
        File, and names of the parameters that differ.
    """
    for output, path, record in recorded(results):
        if _twin(results, path).exists():
            continue
        if names := differing(record, expected):
            yield str(output), names


def differing(record: dict[str, Any], expected: Expected) -> list[str]:
    """Names of the parameters that a record has otherwise than they are now, as far as known."""
    now = expected(record["rule"], record["wildcards"])
    comparable = json.loads(json.dumps(now or {}, default=list))
    return sorted(name for name, value in comparable.items() if record["params"].get(name) != value)


def accept(results: Path, expected: Expected, since: int) -> None:
    """Records results that were touched as made with today's parameters.

    `snakemake --touch` is how a user says that an edit does not matter; no job runs that would
    write the records anew.

    Args:
        results, expected: as for `stale`.
        since: nanoseconds; what was touched before is left alone, since Snakemake touches what jobs
            have made, too.
    """
    for output, _, record in recorded(results):
        now = expected(record["rule"], record["wildcards"])
        if now is not None and _touched(output) >= since:
            params = record["params"] | now
            write(results, record["rule"], record["wildcards"], [str(output)], params)


def _touched(output: Path) -> int:
    # Of a folder, Snakemake touches a file in it.
    carrier = output / ".snakemake_timestamp"
    return (carrier if carrier.exists() else output).stat().st_mtime_ns


def recorded(results: Path) -> Iterator[tuple[Path, Path, dict[str, Any]]]:
    """All results that are there and have a record: the result, the record's file, the record."""
    folder = results / places.RECORDS
    for path in sorted(folder.rglob("*.json")):
        # By its place, not by a path in it: results may be moved.
        output = results / path.relative_to(folder).with_suffix("")
        if output.exists() and (record := read(path)):
            yield output, path, record


def read(path: Path) -> dict[str, Any] | None:
    """A record; None where there is none, or one that is cut off or of another version."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    complete = isinstance(record, dict) and {"rule", "wildcards", "sha256", "params"}
    return record if complete and complete <= record.keys() else None


def _readable_checksum(path: Path) -> str:
    try:
        return _checksum(path)
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror})") from None


def _checksum(path: Path) -> str:
    if path.is_dir() or path.stat().st_size > LARGEST_CHECKED:
        return ""
    return sha256(path)


def _path(results: Path, output: str) -> Path:
    relative = Path(output).relative_to(results)
    return results / places.RECORDS / relative.with_name(relative.name + ".json")


def _twin(results: Path, record: Path) -> Path:
    # Two trees of results may share one `.snakemake`.
    tree = hashlib.sha256(str(results).encode()).hexdigest()[:8]
    return MEMORY / tree / record.relative_to(results / places.RECORDS)
