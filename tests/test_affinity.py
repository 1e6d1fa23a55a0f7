"""Affinities: against an oracle, and that a training is the same with and without them."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import embedded_store
from test_training import AT_THE_END, EVERY_STEP, RECIPE, batches, killed_at, same
from test_training_processes import train as train_files
from tiny_procedures import built
from torch import nn

from grids.base.files import sha256
from grids.training import loop, restorer, run
from grids.training.affinity import Affinities
from grids.training.loop import Recipe
from grids.training.procedure import NETWORK, Phase, Procedure
from grids.training.processes.normalization import OverProcesses
from grids.training.schedule import warmup_cosine

torch.set_num_threads(1)

SHIFTS = {"darker": -0.2, "lighter": 0.1, "mirrored": 0.0}
EACH = 2


def alone(name, shift):
    """Batches of one made-up degradation, of the same crops for all."""

    def of(step, samples):
        _, target = batches(1000 + step, samples)
        source = target.flip(3) if name == "mirrored" else target + shift
        return source, target

    return of


ALONE = {name: alone(name, shift) for name, shift in SHIFTS.items()}


def affinities(every=EACH, parts=(range(2),)):
    return Affinities(ALONE, parts, every, code="1")


def trained(path, procedure, watcher=None, step_batches=batches, recipe=RECIPE, **more):
    history = loop.train(
        procedure,
        step_batches,
        recipe,
        state_folder=path / "state",
        about={"seed": 0},
        execution=more.pop("execution", EVERY_STEP),
        say=more.pop("say", lambda line: None),
        label="test",
        watcher=watcher,
        **more,
    )
    return procedure.network, history.drop(columns=["steps_per_second", "memory_mib"])


def linear():
    """A 3×3 matrix on the channels: small enough to be worked out by hand."""
    torch.manual_seed(0)
    network = nn.Conv2d(3, 3, 1, bias=False)

    def loss(model, source, target):
        return (model(source) - target).abs().mean()

    return Procedure(network, Phase({NETWORK: loss}, highest_loss=100.0))


def by_hand(matrix, step, rate):
    """Z from row to column, in float64, of the matrix before a step."""
    samples = {}
    for name, of in ALONE.items():
        pair = of(step, range(2))
        samples[name] = [t.double().numpy().transpose(1, 0, 2, 3).reshape(3, -1) for t in pair]

    def loss(matrix, name):
        source, target = samples[name]
        return np.abs(matrix @ source - target).mean()

    measured = np.empty((3, 3))
    for i, one in enumerate(samples):
        source, target = samples[one]
        slope = np.sign(matrix @ source - target) @ source.T / source.size
        for j, other in enumerate(samples):
            measured[i, j] = 1 - loss(matrix - rate * slope, other) / loss(matrix, other)
    return measured


@pytest.mark.parametrize("parts", [(range(2),), (range(1), range(1, 2))])
def test_they_are_those_worked_out_by_hand(tmp_path, parts):
    recipe = Recipe(iterations=7, batch=2, learning_rate=0.05, warmup=2)
    procedure, watcher = linear(), affinities(parts=parts)
    weights = {0: procedure.network.weight.detach().clone()}

    def kept(step):
        weights[step + 1] = procedure.network.weight.detach().clone()

    procedure.finish = kept
    trained(tmp_path, procedure, watcher, recipe=recipe)
    measured = [
        by_hand(
            weights[step].double().numpy()[:, :, 0, 0],
            step,
            warmup_cosine(step, 7, 2, 0.05, recipe.minimum_learning_rate),
        )
        for step in (1, 3, 5)
    ]
    table = watcher.seen()
    assert list(table.columns) == ["source", "target", "affinity", "affinity_std", "measurements"]
    assert list(table["source"][:4]) == ["darker"] * 3 + ["lighter"]
    assert list(table["target"][:4]) == ["darker", "lighter", "mirrored", "darker"]
    mean, error = np.mean(measured, axis=0), np.std(measured, axis=0, ddof=1) / np.sqrt(3)
    # Losses are in float32, and their ratio is near 1.
    np.testing.assert_allclose(table["affinity"], mean.ravel(), atol=2e-6)
    np.testing.assert_allclose(table["affinity_std"], error.ravel(), atol=2e-6)
    assert np.abs(mean).min() > 1e-4
    assert not np.allclose(mean, mean.T, atol=1e-5), "which way round matters"
    assert set(table["measurements"]) == {3}


def dropping():
    """Statistics of batches, and random numbers of torch."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.3), nn.Conv2d(4, 3, 1)
    )
    return Procedure(network, linear().first)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("made", [lambda: built("l1", 12), dropping])
def test_a_training_is_the_same_with_and_without(tmp_path, made, precision):
    recipe = Recipe(iterations=12, batch=2, learning_rate=1e-3, warmup=3, precision=precision)
    torch.manual_seed(7)
    network, history = trained(tmp_path / "without", made(), recipe=recipe)
    drawn = torch.rand(3)
    torch.manual_seed(7)
    watcher = affinities(every=1)
    watched, other = trained(tmp_path / "with", made(), watcher, recipe=recipe)
    assert torch.equal(drawn, torch.rand(3))
    assert same(network, watched)
    pd.testing.assert_frame_equal(history, other)
    assert int(watcher.measurements) == 12


def test_precision_changes_nothing_of_one_measurement():
    """In bfloat16 most weights would be the same before and after a step."""
    objective = loop._Objective(built("l1", 12).network, built("l1", 12).first.losses[NETWORK])
    watcher = affinities(every=1)
    watcher.look(0, 1e-5, objective)
    off_diagonal = watcher.total[~torch.eye(3, dtype=torch.bool)]
    assert (off_diagonal != 0).all()
    assert all(weight.grad is None for weight in objective.parameters())


def test_no_process_normalizes_by_the_batches_of_others_while_it_tries_steps():
    """Which are of other degradations then, and not as many."""
    objective, seen = loop._Objective(built("l1", 12).network, None), []

    def loss(model, source, target):
        seen.append(OverProcesses.apart)
        return (model(source) - target).abs().mean()

    objective.loss = loss
    affinities(every=1).look(0, 1e-3, objective)
    assert set(seen) == {True}
    assert not OverProcesses.apart


@pytest.mark.parametrize("at", [5, 8])
@pytest.mark.parametrize("execution", [EVERY_STEP, AT_THE_END])
def test_killed_and_resumed_they_are_the_same(tmp_path, at, execution):
    whole, stopped, resumed = affinities(), affinities(), affinities()
    network, history = trained(tmp_path / "whole", built("l1", 12), whole)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, built("l1", 12), stopped, killed_at(at), execution=execution)
    lines = []
    more = {"execution": execution, "say": lines.append}
    again, other = trained(tmp_path, built("l1", 12), resumed, **more)
    assert any("resuming" in line for line in lines) == (execution is EVERY_STEP)
    assert same(network, again)
    pd.testing.assert_frame_equal(history, other)
    assert torch.equal(whole.total, resumed.total)
    pd.testing.assert_frame_equal(whole.seen(), resumed.seen())


def test_after_a_rollback_what_was_undone_is_not_counted(tmp_path):
    recipe = Recipe(iterations=40, batch=2, learning_rate=1e-3, on_divergence="rollback", warmup=3)
    spoilt = iter([True])

    def once(step, samples):
        source, target = batches(step, samples)
        return source, target * (np.nan if step == 25 and next(spoilt, False) else 1)

    watcher = affinities()
    trained(tmp_path, built("l1", 40), watcher, once, recipe=recipe)
    assert int(watcher.measurements) == 20


def test_checkpoints_of_a_training_that_did_not_measure_are_set_aside(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, built("l1", 12), None, killed_at(6))
    lines, watcher = [], affinities()
    trained(tmp_path, built("l1", 12), watcher, say=lines.append)
    assert re.search(r"other settings \(affinities\); set aside", lines[0])
    assert int(watcher.measurements) == 6


def test_nothing_is_shared_with_other_budgets(tmp_path):
    recipe = Recipe(
        iterations=12, batch=2, learning_rate=1e-3, warmup=1, schedule="constant", level=50
    )
    trunk = tmp_path / "trunk"
    trained(tmp_path / "level", built("l1", 12), recipe=recipe, trunk=trunk)
    assert list(trunk.iterdir())
    watcher = affinities()
    whole = Recipe(iterations=12, batch=2, learning_rate=1e-3, warmup=1, schedule="constant")
    trained(tmp_path, built("l1", 12), watcher, recipe=whole, trunk=trunk)
    assert int(watcher.measurements) == 6
    assert list(trunk.iterdir()), "another level can go on from it"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return embedded_store(tmp_path_factory.mktemp("store")) | {"pairs": []}


@pytest.mark.parametrize("processes", [1, 2])
def test_the_files_of_a_training(forks, tmp_path, photographs, processes):
    """Of one process those of a training that does not measure; of two, nearly those of one."""
    how = {"every": 5, "code": "1"}
    seen = []
    for number in {1, processes}:
        folder = tmp_path / str(number)
        file = folder / "affinity.parquet"
        given = photographs | {"affinities": how | {"file": str(file)}}
        train_files(folder, given, number)
        seen.append(pd.read_parquet(file))
        weights = folder / "model.safetensors"
        assert run.belongs(file, weights, how)
        assert not run.belongs(file, weights, how | {"every": 10})
        assert not run.belongs(folder / "none.parquet", weights, how)
    assert list(seen[0]["source"]) == ["gaussian_noise"] * 2 + ["jpeg"] * 2
    assert set(seen[0]["measurements"]) == {4}
    if processes == 1:
        train_files(tmp_path / "without", photographs, 1)
        assert sha256(tmp_path / "without" / "model.safetensors") == sha256(weights)
        assert not run.belongs(file, folder / "history.parquet", how)
        assert seen[0]["affinity"].abs().min() > 0
    else:
        one, two = (table["affinity"] for table in seen)
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_all_degradations_damage_the_same_crops_which_no_step_is_trained_on(
    tmp_path, photographs, monkeypatch
):
    seen = {}

    class Noted(Affinities):
        def __init__(self, alone, parts, **more):
            super().__init__(alone, parts, **more)
            seen.update(alone=alone, parts=parts)

    def noted(procedure, batches, *arguments, **more):
        seen["trained"] = batches

    monkeypatch.setattr(restorer, "Affinities", lambda *given: Noted(*given[:2], every=1, code=""))
    monkeypatch.setattr(restorer, "train_to_files", noted)
    given = photographs | {"affinities": {"every": 1, "code": "", "file": ""}}
    train_files(tmp_path, given, 1)
    assert seen["parts"] == [range(4)]
    (noise, clean), (jpeg, same_clean) = (of(3, range(4)) for of in seen["alone"].values())
    assert torch.equal(clean, same_clean)
    assert not torch.equal(noise, jpeg)
    assert not torch.equal(seen["trained"](3, range(4))[1], clean)
