import math

import numpy as np
import pytest
import torch
from torch import nn

from grids.backbones import srresnet
from grids.training import loop, state
from grids.training.loop import Diverged, Recipe, train
from grids.training.schedule import warmup_cosine

RECIPE = Recipe(iterations=12, learning_rate=1e-3, warmup=3)


def batches(step):
    generator = torch.Generator().manual_seed(step)
    target = torch.rand(2, 3, 12, 12, generator=generator)
    return (target + 0.1 * torch.randn(target.shape, generator=generator)).clamp(0, 1), target


def run(path, step_batches=batches, recipe=RECIPE, about=None, lines=None, minutes=0.0):
    torch.manual_seed(0)
    network = srresnet.build(features=8, blocks=1)
    history = train(
        network,
        step_batches,
        recipe,
        state_path=path / "state.pt",
        about=about or {"seed": 0},
        checkpoint_minutes=minutes,
        say=(lines if lines is not None else []).append,
        label="test",
    )
    return network, history


def killed_at(step):
    def until(asked):
        if asked == step:
            raise KeyboardInterrupt
        return batches(asked)

    return until


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_schedule_rises_linearly_and_falls_as_a_cosine():
    rates = [warmup_cosine(s, 110, 10, 1.0, 0.1) for s in range(110)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[10 + 33] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 3)) / 2)


def test_training_lowers_the_loss(tmp_path):
    _, history = run(tmp_path, recipe=Recipe(iterations=60, learning_rate=3e-3))
    assert history["loss"][-10:].mean() < history["loss"][:10].mean()
    assert history["step"].tolist() == list(range(1, 61))


def test_steps_are_those_of_a_plain_loop(tmp_path):
    network, _ = run(tmp_path)
    torch.manual_seed(0)
    plain = srresnet.build(features=8, blocks=1)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=1e-3, weight_decay=1e-4)
    for step in range(12):
        source, target = batches(step)
        optimizer.param_groups[0]["lr"] = warmup_cosine(step, 12, 3, 1e-3, 1e-7)
        optimizer.zero_grad()
        (plain(source) - target).abs().mean().backward()
        optimizer.step()
    for a, b in zip(network.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("step", [1, 5, 11])
def test_killed_and_run_again_ends_with_the_same_weights(tmp_path, step):
    undisturbed, expected = run(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "b", killed_at(step))
    lines = []
    resumed, history = run(tmp_path / "b", lines=lines)
    assert lines[0] == f"resuming after step {step}"
    assert same(resumed, undisturbed)
    assert history["loss"].tolist() == expected["loss"].tolist()


def test_a_state_of_other_settings_is_set_aside(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, killed_at(5))
    lines = []
    other, _ = run(tmp_path, about={"seed": 1}, lines=lines)
    assert "other settings (seed)" in lines[0]
    assert (tmp_path / "state.aside-1.pt").exists()
    assert same(other, run(tmp_path / "fresh", about={"seed": 1})[0])


def test_a_broken_state_is_set_aside(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"not a checkpoint")
    lines = []
    network, _ = run(tmp_path, lines=lines)
    assert "cannot be read" in lines[0]
    assert same(network, run(tmp_path / "fresh")[0])


def test_a_state_that_would_execute_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'owned')!r}, 'w')",))

    torch.save(Evil(), tmp_path / "state.pt")
    run(tmp_path, lines=(lines := []))
    assert "cannot be read" in lines[0]
    assert not (tmp_path / "owned").exists()


def test_divergence_names_the_step_and_keeps_the_last_good_state(tmp_path):
    def poisoned(step):
        source, target = batches(step)
        return source, target * (math.nan if step == 7 else 1)

    with pytest.raises(Diverged, match="step 8 is nan"):
        run(tmp_path, poisoned)
    kept = torch.load(tmp_path / "state.pt", weights_only=True)
    assert kept["step"] == 7
    assert all(torch.isfinite(t).all() for t in kept["network"].values())


def test_divergence_is_found_at_its_step_within_a_stretch(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "HISTORY_ROWS", 2)

    def poisoned(step):
        source, target = batches(step)
        return source, target + (math.inf if step == 2 else 0)

    with pytest.raises(Diverged, match="step 3 is inf"):
        run(tmp_path, poisoned)
    assert not (tmp_path / "state.pt").exists()


def test_kill_while_saving_leaves_the_previous_state(tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, killed_at(5))
    before = (tmp_path / "state.pt").read_bytes()

    def half(content, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(state.torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert (tmp_path / "state.pt").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]
