import json
import os
from pathlib import Path

import pytest

from grids import cli
from grids.base.errors import InputError
from grids.runs.orphans import orphans, size, spent

DAY = 86_400


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results, and a function that makes a file of it as a job does."""
    monkeypatch.chdir(tmp_path)
    root = Path("results")

    def make(name, content=b"x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        record = root / "records" / f"{name}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        about = {"rule": "", "wildcards": {}, "sha256": "", "params": {}}
        record.write_text(json.dumps(about))
        return root / name

    return root, make


def test_what_is_not_wanted_is_listed(results):
    root, make = results
    wanted = dict.fromkeys([make("groups.json"), make("models/net/a/model.safetensors")], True)
    assert list(orphans(root, wanted)) == []
    other = make("models/net/b/model.safetensors", b"y" * 3 * 2**20)
    make("verify/net/b/own.parquet").unlink()
    assert list(orphans(root, wanted)) == [other]
    assert size(other) == 3 * 2**20


def test_what_kills_and_other_settings_left_is_listed_when_it_is_old(results):
    root, make = results
    wanted = {make("groups.json"): True}
    aside = root / "models/net/a/state.aside-1"
    aside.mkdir(parents=True)
    half = root / "models/net/a/.model.safetensors.4711"
    half.write_bytes(b"half")
    assert list(orphans(root, wanted)) == []
    for path in (aside, half):
        os.utime(path, (path.stat().st_mtime - DAY,) * 2)
    assert set(orphans(root, wanted)) == {aside, half}


def test_checkpoints_are_spent_when_the_weights_are_there(results):
    root, make = results
    make("models/net/a/model.safetensors")
    for group in "ab":
        (root / f"models/net/{group}/state").mkdir(parents=True)
    # Results of another workflow, which may go on.
    make("other/models/net/a/model.safetensors")
    (root / "other/models/net/a/state").mkdir()
    assert list(spent(root)) == [root / "models/net/a/state"]


def test_an_unfinished_search_is_refused(results):
    root, make = results
    with pytest.raises(InputError, match="no finished search with these settings"):
        list(orphans(root, {make("groups.json"): False}))


def test_another_folder_than_the_workflows_is_refused(results):
    root, _ = results
    said = r"in other; .*: `grids orphans results -- --configfile FILE`"
    with pytest.raises(InputError, match=said):
        list(orphans(root, {Path("other/groups.json"): True}))
    said = r"`grids orphans results -- TARGET all --configfile FILE`"
    with pytest.raises(InputError, match=said):
        list(orphans(root, {Path("results/bundle"): True}))


def test_outside_the_checkout_it_is_said_where_to_run_it(results, capsys):
    assert cli.main(["orphans", "results"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: No Snakefile found")
    assert said.endswith("Run it where snakemake is run, or name it behind --: --snakefile FILE.\n")


def test_of_a_workflow(finished, tmp_path, monkeypatch, capsys, forks):
    tree = finished.copy(tmp_path / "tree")
    model = "results/models/srresnet/jpeg+sr/model.safetensors"
    tree.run(model)
    monkeypatch.chdir(tree.folder)
    assert cli.main(["orphans", "results", "--", *tree.options()]) == 0
    listed = [line.split()[-1] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert listed == ["results/models/srresnet/jpeg+sr/history.parquet", model]
    assert Path(model).exists()
    assert cli.main(["orphans", "results", "--", model, "all", *tree.options()]) == 0
    assert capsys.readouterr().out.splitlines() == ["       0.0 MiB in all"]
    assert cli.main(["orphans", "results", "--", "results/none", "all", *tree.options()]) == 1
    assert capsys.readouterr().err.startswith("error: No rule to produce results/none")
    # Another δ may ask for what this one did not: nothing is an orphan before it has been searched.
    tree.config["search"]["delta"] = 0.01
    tree.jobs("all")
    assert cli.main(["orphans", "results", "--", *tree.options()]) == 1
    assert "no finished search with these settings" in capsys.readouterr().err
    # Snakemake says behind the message where it comes from.
    for path in sorted(Path("photographs/train").iterdir())[2:]:
        path.unlink()
    assert cli.main(["orphans", "results", "--", "results/bundle", "all", *tree.options()]) == 1
    least = "but the choice among the groups holds one in 5 out; give at least 5"
    assert capsys.readouterr().err == f"error: images.train: 2 photographs, {least}\n"
    Path("config.yaml").write_text("deltas: 1\n")
    assert cli.main(["orphans", "results", "--", *tree.options()]) == 1
    assert "error: configuration: deltas: unknown key" in capsys.readouterr().err
