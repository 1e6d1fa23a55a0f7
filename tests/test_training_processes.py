"""A training in several processes, and in two copies, started as the rules start it."""

import io
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import preloaded
import pytest
import torch
from conftest import embedded_store
from safetensors.torch import load_file
from test_training import difference
from tiny_procedures import IN_PARTS, TINY

from grids.backbones import srresnet
from grids.base.errors import InputError
from grids.base.files import sha256
from grids.models import restorers, weights
from grids.training import launch, restorer, state
from grids.training.loop import Execution
from grids.training.procedure import NETWORK
from grids.training.processes import ownership

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

ROOT = Path(__file__).parents[1]

# Gradients are summed in another order, so their last bit differs. AdamW makes a step of the whole
# learning rate out of a gradient that is next to nothing, so differences grow: 2e-8 after 20 steps,
# 5e-5 (and 6e-5 dB) after 200. Through normalisations as of IDR they are 1e-6 after 20.
TOLERANCE = 1e-5

EXECUTION = {
    **{name: getattr(Execution(), name) for name in Execution.__dataclass_fields__},
    "device": "cpu",
    "threads": 1,
    "nodes": 1,
    "scratch": "",
    "validation": 2,
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return embedded_store(tmp_path_factory.mktemp("store")) | {"pairs": []}


GROUP = {"gaussian_noise": {"sigma": [10.0, 50.0]}, "jpeg": {"quality": [10, 40]}}


def following(folder, **psnr_db):
    """Histories of single-task models with this PSNR all the time."""
    files = {}
    for name, value in psnr_db.items():
        history = pd.DataFrame({"step": [1, 400], "validation_psnr_db": value})
        history.attrs = {"validation": 2, "seed": 0}
        files[name] = str(folder / f"{name}.parquet")
        folder.mkdir(exist_ok=True)
        history.to_parquet(files[name])
    return files


def train(
    folder,
    photographs,
    processes,
    say=lambda line: None,
    start="",
    procedure="l1",
    only=tuple(GROUP),
    references=None,
    seed=0,
    **recipe,
):
    # Two processes work their shares through in two parts each, where the procedure has parts.
    parts = {"accumulation": processes if procedure in IN_PARTS else 1, "checkpoint_steps": 50}
    section = EXECUTION | {"processes": processes} | parts
    layout, execution = launch.split(section, threads=processes)
    tiny = TINY[procedure]
    arguments = {
        "backbone": tiny.backbone,
        "sizes": tiny.sizes,
        "procedure": {"name": procedure, "options": tiny.options},
        "files": {},
        "group": {name: GROUP[name] for name in only},
        "sampling": {"patch": 16, "weights": "auto" if references else dict.fromkeys(only, 0.5)},
        "references": references or {},
        "recipe": {"iterations": 20, "batch": 4, "learning_rate": 1e-3} | recipe,
        "start": str(start),
        "seed": seed,
        "content": "",
        "code": "",
        "weights": str(folder / "model.safetensors"),
        "history": str(folder / "history.parquet"),
        "label": "test",
        "trunk": "",
        **photographs,
        **execution,
    }
    launch.run(restorer.train, arguments, layout, say)


def beside(folder):
    """What has a state beside the network, as the last checkpoint has it."""
    (last,) = (folder / "state").iterdir()
    content = last.read_bytes()[state.DIGEST :]
    networks = torch.load(io.BytesIO(content), weights_only=True)["networks"]
    del networks[NETWORK]
    return {name: t.double() for tensors in networks.values() for name, t in tensors.items()}


@pytest.mark.parametrize(
    ("procedure", "psnr_db"),
    [*((name, {}) for name in TINY), ("l1", {"gaussian_noise": 16.5, "jpeg": 25.5})],
)
def test_two_processes_end_with_the_result_of_one(forks, tmp_path, photographs, procedure, psnr_db):
    # Shares need some steps to change.
    more = {"iterations": 20 if psnr_db else 8, "procedure": procedure}
    more["references"] = following(tmp_path, **psnr_db)
    for processes in (1, 2):
        train(tmp_path / str(processes), photographs, processes, **more)
    tiny = TINY[procedure]
    one, two = (
        restorers.read(
            tmp_path / str(n) / "model.safetensors", tiny.backbone, tiny.sizes, torch.device("cpu")
        )
        for n in (1, 2)
    )
    assert difference(one, two) < TOLERANCE
    first, second = (pd.read_parquet(tmp_path / str(n) / "history.parquet") for n in (1, 2))
    assert np.allclose(first["loss"], second["loss"], atol=1e-5)
    assert np.allclose(
        first["validation_psnr_db"], second["validation_psnr_db"], atol=1e-2, equal_nan=True
    )
    for name in psnr_db:
        column = f"share_{name}"
        assert np.ptp(first[column]) > 0.3
        assert np.allclose(first[column], second[column], atol=1e-4)
    # A queue of codes, a tree: weights among it may go where rounding takes them.
    remembered, again = beside(tmp_path / "1"), beside(tmp_path / "2")
    for name, tensor in remembered.items():
        torch.testing.assert_close(again[name], tensor, rtol=0, atol=1e-3, msg=name)
    names = ["history.parquet", "model.safetensors", "state"]
    assert sorted(path.name for path in (tmp_path / "2").iterdir()) == names


def test_a_mistake_ends_all_processes_and_is_said_once(forks, tmp_path, photographs):
    lines = []
    with pytest.raises(SystemExit, match="ended with status 1"):
        train(tmp_path, photographs, 2, lines.append, batch=3)
    assert [line for line in lines if line.startswith("error")] == [
        "error: a batch of 3 (training.batch, descriptor.batch) cannot be shared equally by "
        "execution.processes (2) times execution.accumulation (2)"
    ]


IMPORTS = """
import sys
import time
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_training_processes as t
"""
ENDLESS = """
t.train(Path({folder!r}), {photographs!r}, 2, lambda l: print(l, flush=True), iterations=10**6)
"""
SECOND_COPY = """
from grids.training.processes import ownership
claim = ownership.claim
def slow_claim(state):
    claim(state)
    end = time.monotonic() + 300
    while not Path({folder!r}, "go").exists() and time.monotonic() < end:
        time.sleep(0.05)
ownership.claim = slow_claim
t.train(Path({folder!r}), {photographs!r}, 1)
"""


def started(program, folder, photographs):
    values = {"tests": str(ROOT / "tests"), "folder": str(folder), "photographs": photographs}
    return subprocess.Popen(
        [preloaded.python(), "-c", (IMPORTS + program).format(**values)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_copy_that_is_superseded_while_it_publishes_leaves_the_other_in_peace(
    tmp_path, photographs, monkeypatch
):
    monkeypatch.setenv(ownership.VARIABLE, "")
    owner = tmp_path / "owner"
    save, published = weights.save, {}

    def late(path, network, about):
        """The other copy is started, after Snakemake has removed the outputs, and takes over."""
        first = owner.read_text()
        (tmp_path / "history.parquet").unlink()
        published["second"] = started(SECOND_COPY, tmp_path, photographs)
        while owner.read_text() == first:
            assert published["second"].poll() is None
            time.sleep(0.05)
        save(path, network, about)
        published["weights"] = path.read_bytes()

    monkeypatch.setattr(weights, "save", late)
    train(tmp_path, photographs, 1)
    assert owner.exists()
    (tmp_path / "go").touch()
    assert published["second"].wait(300) == 0
    assert (tmp_path / "model.safetensors").read_bytes() == published["weights"]
    names = ["go", "history.parquet", "model.safetensors", "state"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_signal_ends_all_processes_with_a_checkpoint(tmp_path, photographs):
    with started(ENDLESS, tmp_path, photographs) as process:
        while not (tmp_path / "state").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        said = process.communicate(timeout=300)[0]
    assert process.returncode != 0
    newest = sorted((tmp_path / "state").glob("*.pt"))[-1]
    assert f"SIGTERM: state kept after step {int(newest.stem)}; run again to go on" in said


def test_a_training_begins_with_the_weights_of_a_file(tmp_path, photographs):
    train(tmp_path / "first", photographs, 1)
    first = tmp_path / "first" / "model.safetensors"
    # A step so small that it changes no number.
    train(tmp_path / "second", photographs, 1, start=first, iterations=1, learning_rate=1e-30)
    began = load_file(tmp_path / "second" / "model.safetensors")
    assert all(torch.equal(tensor, began[name]) for name, tensor in load_file(first).items())
    about = weights.about(tmp_path / "second" / "model.safetensors")
    assert about["start"] == sha256(first)
    assert about["procedure"] == {"name": "l1", "options": {}}
    assert weights.about(first)["start"] == ""


def test_first_weights_of_another_network_are_named(tmp_path, photographs):
    network = srresnet.build(features=4, blocks=1, strided=False)
    weights.save(tmp_path / "other.safetensors", network, {})
    with pytest.raises(InputError, match=r"other\.safetensors: tensor .* has shape"):
        train(tmp_path / "run", photographs, 1, start=tmp_path / "other.safetensors")
