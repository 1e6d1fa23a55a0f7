import json
import os
import shutil
import subprocess
import sys
import tomllib

import pandas as pd
import pytest
from conftest import ROOT

from grids.cli import main
from grids.search.contract import SearchSettings
from grids.search.simulation import searches
from grids.search.simulation.families import DELTA, linear


def folder(results):
    """A results folder of a simulated search."""
    instance = linear(4, 0.9, 0.15, 0)
    names = instance.similarity.names
    plan = searches.strategy("active")
    done = searches.run(plan, instance.similarity, instance.of, SearchSettings(DELTA, 2))
    (results / "search").mkdir(parents=True)
    search = {
        "strategy": "active",
        "backbone": "srresnet",
        "test_set": "embedded",
        "degradations": list(names),
        "delta": DELTA,
        "settings": {"delta": DELTA, "requests_per_round": 2},
        "elsewhere": [],
    }
    known = []
    for i, (groups, why) in enumerate(zip((*done.rounds, ()), done.whys, strict=True)):
        asked = {"requests" if groups else "solution": ["+".join(g) for g in groups or done.groups]}
        plan = {"round": i, **search, "known": known, **asked, "why": why}
        (results / "search" / f"{i}.json").write_text(json.dumps(plan))
        known = known + asked.get("requests", [])
    measured = done.measured | {(name,): {name: 0.0} for name in names}
    for group, drops in measured.items():
        rows = [(name, image, 30.0 - drops[name], 0.9, 25.0) for name in group for image in "abc"]
        path = results / "verify" / "srresnet" / "+".join(group) / "embedded.parquet"
        path.parent.mkdir(parents=True)
        columns = ["degradation", "image", "psnr_db", "ssim", "input_psnr_db"]
        pd.DataFrame(rows, columns=columns).to_parquet(path)
    pd.DataFrame(
        [
            (a, b, instance.similarity.distance[i, j] ** 2, instance.similarity.distance[i, j], 0.1)
            for i, a in enumerate(names)
            for j, b in enumerate(names)
        ],
        columns=["source", "target", "kl", "distance", "distance_std"],
    ).to_parquet(results / "similarity.parquet")
    return done


def test_explain(tmp_path, capsys):
    done = folder(tmp_path)
    assert main(["explain", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("Round ") == len(done.rounds) + 1
    assert "Groups for each δ" in said
    for name in ("search.svg", "frontier.svg"):
        assert f"δ = {DELTA:g} dB" in (tmp_path / name).read_text()


def test_explain_an_unfinished_search_says_what_is_ahead(tmp_path, capsys):
    folder(tmp_path)
    for path in (tmp_path / "search").glob("*.json"):
        if "solution" in json.loads(path.read_text()):
            path.unlink()
    assert main(["explain", str(tmp_path), "--hours", "5"]) == 0
    said = capsys.readouterr().out
    assert "Ahead: likely" in said
    assert "at 5 h each" in said


def test_explain_stops_where_a_search_was_planned_anew(tmp_path, capsys):
    done = folder(tmp_path)
    assert len(done.rounds) > 0
    first = tmp_path / "search" / "0.json"
    plan = json.loads(first.read_text())
    settings = plan["settings"] | {"delta": 0.1}
    first.write_text(json.dumps(plan | {"delta": 0.1, "settings": settings}))
    assert main(["explain", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("Round ") == 1
    assert "nothing is left" not in said
    # With the same settings, but other groups verified than the old search had.
    first.write_text(json.dumps(plan | {"requests": [*plan["requests"], "a+b"]}))
    assert main(["explain", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("Round ") == 1


def test_explain_names_a_damaged_plan(tmp_path, capsys):
    folder(tmp_path)
    path = tmp_path / "search" / "0.json"
    path.write_text(path.read_text()[:40])
    assert main(["explain", str(tmp_path)]) == 1
    assert f"{path}: not a plan" in capsys.readouterr().err


def test_explain_counts_what_was_measured_elsewhere(tmp_path, capsys):
    done = folder(tmp_path)
    first = "+".join(done.rounds[0][0])
    moved = tmp_path / "measurements" / first / "embedded.parquet"
    moved.parent.mkdir(parents=True)
    (tmp_path / "verify" / "srresnet" / first / "embedded.parquet").rename(moved)
    assert main(["explain", str(tmp_path)]) == 0
    assert f"{first}: not verified yet" in capsys.readouterr().out
    for path in (tmp_path / "search").glob("*.json"):
        plan = json.loads(path.read_text()) | {"elsewhere": [first]}
        path.write_text(json.dumps(plan))
    assert main(["explain", str(tmp_path)]) == 0
    assert f"{first}: not verified yet" not in capsys.readouterr().out
    shutil.copytree(tmp_path / "verify" / "srresnet", tmp_path / "verify" / "other")
    assert main(["explain", str(tmp_path), "--backbone", "other"]) == 0
    assert f"{first}: not verified yet" in capsys.readouterr().out


def test_explain_of_what_was_not_verified_draws_nothing(tmp_path, capsys):
    folder(tmp_path)
    for option in ("--test-set", "--backbone"):
        assert main(["explain", str(tmp_path), option, "foo"]) == 1
        said = capsys.readouterr().err
        assert "is verified on" in said
        assert "there are: srresnet on embedded" in said
    assert not (tmp_path / "search.svg").exists()


def test_simulate_a_folder_and_a_family(tmp_path, capsys):
    folder(tmp_path)
    assert main(["simulate", str(tmp_path)]) == 0
    figure = tmp_path / "counts.svg"
    command = "simulate conflicts --n 4 5 --instances 2 --requests 1 3 --figure"
    assert main([*command.split(), str(figure)]) == 0
    assert capsys.readouterr().out.count("conflicts") == 8
    assert "<svg" in figure.read_text()


def test_a_figure_has_a_line_for_each_setting(tmp_path):
    figure = tmp_path / "counts.svg"
    command = "simulate linear --strategies active --n 3 4 --correlation 0 0.9 --instances 1"
    assert main([*command.split(), "--figure", str(figure)]) == 0
    text = figure.read_text()
    assert "active, 1 a round, n 3" in text
    assert "active, 1 a round, n 4" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--instances 0", "instances are at least 1"),
        ("--seed -1", "a seed is not negative"),
        ("--group-worth 0", "worth of a group are positive"),
        ("--group-worth -1", "worth of a group are positive"),
        ("--noise nan", "noise is not negative"),
        ("--delta inf", "delta and the worth"),
        ("--requests 0", "n and requests are at least 1"),
    ],
)
def test_a_number_out_of_its_range_is_one_line(options, said, capsys):
    assert main(["simulate", "--n", "3", *options.split()]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_mistake_is_one_line(tmp_path, capsys):
    assert main(["explain", str(tmp_path)]) == 1
    assert main(["simulate", "linaer"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)
    assert "'linear'" in lines[1]


def test_starts_without_torch():
    code = "import sys, grids.cli; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [sys.executable, "-m", "grids.cli", "simulate", "--n", "3", "--instances", "1"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_table_of_another_version_is_named(tmp_path, capsys):
    folder(tmp_path)
    path = tmp_path / "similarity.parquet"
    pd.read_parquet(path).drop(columns="distance_std").to_parquet(path)
    assert main(["explain", str(tmp_path)]) == 1
    assert f"{path}: no column distance_std (made by" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert capsys.readouterr().out == f"grids {declared}\n"


def test_check_takes_a_configuration_or_names_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (good := tmp_path / "good.yaml").write_text("only: [jpeg, sr]\n")
    (bad := tmp_path / "bad.yaml").write_text("seed: 1\nseed: 2\n")
    (wrong := tmp_path / "wrong.yaml").write_text("search: {delta: yes}\n")
    assert main(["check", str(good)]) == 0
    assert "5 in train, 5 in pies, 5 in embedded" in capsys.readouterr().out
    assert main(["check", str(bad)]) == 1
    assert "bad.yaml, line 2: the key 'seed'" in capsys.readouterr().err
    # The last file counts most.
    assert main(["check", str(good), str(wrong)]) == 1
    assert "search.delta: must be a number, got True" in capsys.readouterr().err


def test_a_note_for_the_card_that_cannot_be_read_is_named(tmp_path, capsys):
    command = ["export", str(tmp_path), "-o", str(tmp_path / "out")]
    assert main([*command, "--note", str(tmp_path / "nowhere.md")]) == 1
    assert "--note: " in capsys.readouterr().err
