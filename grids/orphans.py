"""Results that nothing asks for any more: they are listed, never deleted by themselves."""

import json
from collections.abc import Iterator
from pathlib import Path

from grids import records
from grids.errors import InputError
from grids.names import group_name


def orphans(results: Path) -> Iterator[Path]:
    """Folders and files of a finished search that its plans and records do not name.

    These are models and verifications of groups that no plan asks for, plans behind the solution
    (from a search with other settings), and indexes and stores of photographs that no result was
    made with.

    Args:
        results: the folder of the results.

    Raises:
        InputError: there is no finished search in it.
    """
    plans = _plans(results)
    wanted = {
        group_name(plans[-1]["degradations"]),
        *plans[-1]["degradations"],
        *(name for plan in plans for key in ("known", "requests") for name in plan.get(key, [])),
    }
    for folder in sorted([*results.glob("models/*/*"), *results.glob("verify/*/*")]):
        if folder.name not in wanted:
            yield folder
    for path in sorted(results.glob("search/*.json"), key=lambda path: int(path.stem)):
        if int(path.stem) > plans[-1]["round"]:
            yield path
    contents = set(_contents(results))
    for path in sorted([*results.glob("images/*/*.parquet"), *results.glob("store/*/*.npy")]):
        if path.stem not in contents:
            yield path


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _plans(results: Path) -> list[dict]:
    """The plans up to the solution."""
    plans = []
    while (path := results / "search" / f"{len(plans)}.json").is_file():
        plans.append(json.loads(path.read_text(encoding="utf-8")))
        if "solution" in plans[-1]:
            return plans
    raise InputError(f"{results}: no finished search; what is needed is not known before its end")


def _contents(results: Path) -> Iterator[str]:
    """Digests of the image sets that existing results were made with."""
    for path in (results / "records").rglob("*.json"):
        record = records.read(path)
        if record and "content" in record["params"] and Path(record["output"]).exists():
            yield record["params"]["content"]
