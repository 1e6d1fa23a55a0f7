import json

import pytest

from grids import cli
from grids.errors import InputError
from grids.orphans import orphans, size


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "results"

    def write(name, content=b"x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(
            content if isinstance(content, bytes) else json.dumps(content).encode()
        )

    names = ["a", "b", "c"]
    write("search/0.json", {"round": 0, "degradations": names, "known": [], "requests": ["a+b"]})
    write(
        "search/1.json", {"round": 1, "degradations": names, "known": ["a+b"], "solution": ["a+b"]}
    )
    for group in ("a", "b", "c", "a+b", "a+b+c"):
        write(f"models/net/{group}/model.safetensors")
        write(f"verify/net/{group}/own.parquet")
    write("images/own/1111.parquet")
    write("store/own/1111.npy")
    record = {"rule": "verify", "wildcards": {}, "sha256": ""} | {
        "params": {"content": "1111"},
        "output": "results/verify/net/a/own.parquet",
    }
    write("records/verify/net/a/own.parquet.json", record)
    return root, write


def test_a_tidy_tree_has_none(results):
    assert list(orphans(results[0])) == []


def test_what_no_plan_and_no_result_names_is_listed(results, capsys):
    root, write = results
    write("models/net/b+c/model.safetensors", b"y" * 3 * 2**20)
    write("verify/net/b+c/own.parquet")
    write("search/2.json", {"round": 2})
    write("store/own/2222.npy")
    expected = ["models/net/b+c", "verify/net/b+c", "search/2.json", "store/own/2222.npy"]
    assert [str(path.relative_to(root)) for path in orphans(root)] == expected
    assert size(root / "models/net/b+c") == 3 * 2**20
    assert cli.main(["orphans", str(root)]) == 0
    assert "3.0 MiB  " in capsys.readouterr().out
    assert (root / "models/net/b+c").exists()


def test_an_unfinished_search_is_refused(results):
    root, _ = results
    (root / "search/1.json").unlink()
    with pytest.raises(InputError, match="no finished search"):
        list(orphans(root))
