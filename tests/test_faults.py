"""Faults at random moments of a run: afterwards the results are those of an undisturbed run.

Two seeds by default; GRIDS_FAULTS=30 pytest tests/test_faults.py tries more.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

SEEDS = range(int(os.environ.get("GRIDS_FAULTS", "2")))
FAULTS = ("kill a job", "kill all", "interrupt", "terminate", "truncate", "remove")


def results(tree):
    """What a run must end with, whatever happened on the way."""
    groups = json.loads(tree.path("groups.json").read_text(encoding="utf-8"))
    similarity = pd.read_parquet(tree.path("similarity.parquet"))
    models = {
        str(path.relative_to(tree.path("models"))): load_file(path)
        for path in sorted(tree.path("models").rglob("model.safetensors"))
    }
    return groups, similarity, models


def assert_same(tree, expected):
    groups, similarity, models = expected
    found_groups, found_similarity, found_models = results(tree)
    assert found_groups == groups
    pd.testing.assert_frame_equal(found_similarity, similarity, check_exact=True)
    assert set(found_models) == set(models)
    for name, weights in models.items():
        for tensor, value in weights.items():
            assert np.array_equal(found_models[name][tensor], value), (name, tensor)


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True)
    for line in listed.stdout.decode().splitlines():
        child, arguments = line.split(None, 1)
        yield int(child), arguments
        yield from children(int(child))


def scripts(pid):
    return [child for child, arguments in children(pid) if ".snakemake/scripts" in arguments]


def quietly_kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def disturb(process, tree, fault, chance):
    """One fault; returns when the run has ended."""
    if fault == "kill a job":
        if running := scripts(process.pid):
            quietly_kill(chance.choice(running))
    elif fault == "kill all":
        running = scripts(process.pid)
        for pid in [process.pid, *running]:
            quietly_kill(pid)
    elif fault in ("interrupt", "terminate"):
        quietly_kill(process.pid, signal.SIGINT if fault == "interrupt" else signal.SIGTERM)
    process.wait(timeout=120)
    made = [
        path
        for pattern in ("models/*/*/*", "store/*/*.npy", "ggd/*.parquet", "verify/*/*/*.parquet")
        for path in sorted(tree.path("").glob(pattern))
        if path.is_file()
    ]
    if fault == "truncate" and made:
        path = chance.choice(made)
        os.truncate(path, path.stat().st_size // 2)
    if fault == "remove" and made:
        chance.choice(made).unlink()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_disturbed_run_ends_with_the_results_of_an_undisturbed_one(finished, tmp_path, seed):
    expected = results(finished)
    chance = random.Random(seed)
    tree = finished.copy(tmp_path / "tree")
    for name in ("models", "verify", "ggd", "search", "report", "store", "reseeded", "records"):
        shutil.rmtree(tree.path(name))
    for name in ("similarity.parquet", "groups.json"):
        tree.path(name).unlink()
    # Later seeds repeat the faults at other moments.
    fault = FAULTS[seed % len(FAULTS)]
    with open(tmp_path / "log", "w") as log:
        process = tree.start("all", stdout=log)
        time.sleep(chance.uniform(4, 25))
        if fault in ("truncate", "remove"):
            quietly_kill(process.pid, signal.SIGTERM)
        disturb(process, tree, fault, chance)
    if fault == "kill all":
        tree.run("--unlock")
    done = tree.snakemake("all")
    for _ in range(3):
        if done.returncode == 0:
            break
        # A damaged file is named in one line; what it says to do is done.
        lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, done.stdout
        assert "delete it and run again" in lines[0], lines[0]
        (tree.folder / lines[0].removeprefix("error: ").split(": ")[0]).unlink()
        done = tree.snakemake("all")
    assert done.returncode == 0, (fault, done.stdout)
    assert_same(tree, expected)
    assert not list(Path(tree.path("models")).rglob("state*"))
