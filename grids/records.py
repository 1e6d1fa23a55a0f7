"""Records of what results were made with, beside the results.

Snakemake remembers the parameters of finished jobs in `.snakemake` and runs a job again when they
change. Where that folder is gone, it takes all files as they stand. So each job also leaves a
record under `results/records`, and a twin of it in `.snakemake`: a record without its twin tells
that Snakemake's memory is lost, and its parameters whether the result is still what is asked for.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from grids.files import appearing

TWINS = Path(".snakemake") / "grids"


def write(results: Path, rule: str, wildcards: dict, outputs: list[str], params: dict) -> None:
    """Records a finished job; `params` are plain values as Snakemake has them."""
    record = {"rule": rule, "wildcards": wildcards, "outputs": outputs, "params": params}
    path = _path(results, outputs)
    with appearing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1, default=list) + "\n", encoding="utf-8")
    twin = _twin(results, path)
    twin.parent.mkdir(parents=True, exist_ok=True)
    twin.touch()


def stale(
    results: Path, expected: Callable[[str, dict], dict | None]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Results of which Snakemake has no memory and that were made with other parameters.

    Args:
        results: folder of the results.
        expected: the parameters that a rule has now for these wildcards, as far as they are known;
            None if there is no such job.

    Yields:
        Rule, existing outputs, names of the parameters that differ.
    """
    for path in sorted((results / "records").rglob("*.json")):
        if _twin(results, path).exists():
            continue
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            outputs = [name for name in record["outputs"] if Path(name).exists()]
            now = expected(record["rule"], record["wildcards"])
        except (ValueError, KeyError, TypeError):
            continue  # of another version, or cut off: it says nothing
        if now is None or not outputs:
            continue
        comparable = json.loads(json.dumps(now, default=list))
        differing = sorted(k for k, v in comparable.items() if record["params"].get(k) != v)
        if differing:
            yield record["rule"], outputs, differing


def _path(results: Path, outputs: list[str]) -> Path:
    relative = Path(outputs[0]).relative_to(results)
    return results / "records" / relative.with_name(relative.name + ".json")


def _twin(results: Path, record: Path) -> Path:
    # Two trees of results may share one `.snakemake`.
    tree = hashlib.sha256(str(results).encode()).hexdigest()[:8]
    return TWINS / tree / record.relative_to(results / "records")
