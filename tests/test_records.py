import json
import os
from pathlib import Path

import pytest

from grids.base.errors import InputError
from grids.jobs import records


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("results")
    (folder / "ggd").mkdir(parents=True)
    for name in ("jpeg", "sr"):
        (folder / "ggd" / name).write_text(name)
        params = {"clip": 5.0, "code": "abc", "sizes": (1, 2)}
        records.write(folder, "ggd", {"degradation": name}, [f"results/ggd/{name}"], params)
    return folder


def forget():
    for twin in Path(".snakemake").rglob("*.json"):
        twin.unlink()


def found(results, now):
    return list(records.stale(results, lambda rule, wildcards: now))


def test_nothing_is_stale_while_snakemake_remembers(results):
    assert found(results, {"clip": 3.0}) == []


def test_without_memory_a_difference_is_named(results):
    forget()
    same = {"clip": 5.0, "code": "abc", "sizes": [1, 2]}
    assert found(results, same) == []
    assert found(results, {}) == []  # nothing is known of what it would be now
    assert found(results, None) == []
    assert found(results, same | {"clip": 3.0, "code": "x"}) == [
        ("results/ggd/jpeg", ["clip", "code"]),
        ("results/ggd/sr", ["clip", "code"]),
    ]


def test_results_that_were_moved_are_known_by_their_place(results):
    moved = results.rename("moved")
    assert found(moved, {"clip": 3.0}) == [("moved/ggd/jpeg", ["clip"]), ("moved/ggd/sr", ["clip"])]


def test_what_was_touched_is_accepted_as_it_is(results):
    began = 10**18
    os.utime(results / "ggd/jpeg", ns=(began, began))
    # Later than its record, as Snakemake leaves what a job has made.
    record = results / "records/ggd/sr.json"
    os.utime(record, ns=(began - 2, began - 2))
    os.utime(results / "ggd/sr", ns=(began - 1, began - 1))
    records.accept(results, lambda rule, wildcards: {"clip": 3.0}, began)
    forget()
    assert found(results, {"clip": 3.0, "code": "abc"}) == [("results/ggd/sr", ["clip"])]


def test_a_folder_that_was_touched_is_accepted(results):
    bundle = results / "bundle"
    bundle.mkdir()
    records.write(results, "bundle", {}, [str(bundle)], {"clip": 5.0})
    os.utime(bundle, ns=(1, 1))
    (bundle / ".snakemake_timestamp").touch()
    records.accept(results, lambda rule, wildcards: {"clip": 3.0}, 2)
    forget()
    assert ("results/bundle", ["clip"]) not in found(results, {"clip": 3.0})


def test_a_deleted_result_and_a_broken_record_say_nothing(results):
    forget()
    (results / "ggd/jpeg").unlink()
    (results / "records/ggd/sr.json").write_text('{"rule": "ggd"')
    assert found(results, {"clip": 3.0}) == []
    (results / "records/ggd/sr.json").write_text(json.dumps(["of another layout"]))
    assert found(results, {"clip": 3.0}) == []


def forbidden(path):
    raise PermissionError(13, "Permission denied")


def test_a_file_must_be_as_it_was_written(results, monkeypatch):
    names = ["results/ggd/jpeg", "results/ggd/sr", "elsewhere/photograph.png"]
    records.check(results, names)
    with monkeypatch.context() as patch:
        patch.setattr(records, "sha256", forbidden)
        with pytest.raises(InputError, match=r"ggd/jpeg: it cannot be read \(Permission denied\)"):
            records.check(results, names)
    (results / "ggd/sr").write_text("sR")
    with pytest.raises(InputError, match=r"ggd/sr: not as it was written .*delete it"):
        records.check(results, names)
