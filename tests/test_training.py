import hashlib
import io
import math
import os
import signal
import subprocess
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import preloaded
import pytest
import torch
from tiny_procedures import IN_PARTS, TINY, built
from torch import nn

from grids.backbones import srresnet
from grids.base.errors import InputError
from grids.base.plugins import names_in
from grids.models import weights
from grids.training import loop, run, state
from grids.training.compiled import compiled
from grids.training.loop import Diverged, Execution, Recipe, train
from grids.training.processes import ownership
from grids.training.proportions import Proportions, Reference
from grids.training.schedule import warmup_constant, warmup_cosine

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

ROOT = Path(__file__).parents[1]
RECIPE = Recipe(iterations=12, batch=2, learning_rate=1e-3, warmup=3)
# Of the last step that each look came by, whatever the clock.
EVERY_STEP = Execution(checkpoint_steps=1, validation=2)
AT_THE_END = Execution(validation=2)


def batches(step, samples):
    pairs = []
    for sample in samples:
        generator = torch.Generator().manual_seed(1000 * (step + 1) + sample)
        target = torch.rand(3, 12, 12, generator=generator)
        noise = 0.1 * torch.randn(target.shape, generator=generator)
        pairs.append(((target + noise).clamp(0, 1), target))
    sources, targets = zip(*pairs, strict=True)
    return torch.stack(sources), torch.stack(targets)


def with_more(step_batches, contents):
    """The batches with what else `contents` asks for.

    The second crop is the first mirrored. Of two degradations each has every other step alone.
    """

    def of(step, samples):
        source, target = step_batches(step, samples)
        numbers = [step % 2 if step < contents.alone else sample % 2 for sample in samples]
        second = [source.flip(3)] if contents.second else []
        return source, target, *second, *([torch.tensor(numbers)] if contents.alone else [])

    return of


def poisoned(at, value=math.nan):
    """Batches whose targets are spoilt from the step with index `at` on."""

    def of(step, samples):
        source, target = batches(step, samples)
        return source, target + (value if step >= at else 0)

    return of


def of_shares(proportions):
    """Batches of two made-up degradations, drawn by shares."""

    def of(step, samples):
        source, target = batches(step, samples)
        for number, sample in enumerate(samples):
            drawn = torch.rand(1, generator=torch.Generator().manual_seed(100 * step + sample))
            if drawn < proportions.shares()["darker"]:
                source[number] = target[number] / 2
        return source, target

    return of


# Of what all procedures are held to: so few steps that each is of use.
SHORT = replace(RECIPE, iterations=8)
FOLLOWING = "l1, following single-task models"
TRAINED = [*TINY, FOLLOWING]


def begun(name):
    """A training by a procedure, or one whose shares follow: arguments of `run_training`."""
    if name != FOLLOWING:
        return {"procedure": built(name, SHORT.iterations), "recipe": SHORT}
    told = {
        "darker": Reference([1, 8], [8.0, 11.0], 2, 0),
        "noisy": Reference([1, 8], [8.0, 9.0], 2, 0),
    }
    source, target = batches(-1, range(2))
    proportions = Proportions(told, {"darker": (target / 2, target), "noisy": (source, target)})
    procedure = built("l1", SHORT.iterations)
    return {"procedure": procedure, "recipe": SHORT, "proportions": proportions}


def run_training(
    path,
    step_batches=batches,
    recipe=RECIPE,
    about=None,
    lines=None,
    execution=EVERY_STEP,
    trunk=None,
    procedure=None,
    proportions=None,
):
    procedure = procedure or built("l1", recipe.iterations)
    if proportions:
        step_batches = of_shares(proportions)
    history = train(
        procedure,
        with_more(step_batches, procedure.contents),
        recipe,
        state_folder=path / "state",
        about=about or {"seed": 0, "group": {"jpeg": {"quality": 10}}},
        execution=execution,
        say=(lines if lines is not None else []).append,
        label="test",
        trunk=trunk,
        proportions=proportions,
    )
    return procedure.network, history


def killed_at(step):
    def until(asked, samples):
        if asked == step:
            raise KeyboardInterrupt
        return batches(asked, samples)

    return until


def at(step, training, event):
    """Has an event happen before a step, whichever steps' batches the procedure asks for."""
    procedure = training["procedure"]
    begin = procedure.begin

    def watched(now, batches):
        if now == step:
            event()
        begin(now, batches)

    procedure.begin = watched


def interrupted():
    raise KeyboardInterrupt


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


def all_same(one, other) -> bool:
    """Of two trainings as they were begun."""
    first, second = one["procedure"], other["procedure"]
    further = zip(first.further.values(), second.further.values(), strict=True)
    shares = [
        training["proportions"].shares() for training in (one, other) if "proportions" in training
    ]
    alike = same(first.network, second.network) and all(same(*pair) for pair in further)
    return alike and shares[:1] == shares[1:]


def difference(one: nn.Module, other: nn.Module) -> float:
    """Largest difference of what two networks restore.

    Weights would say less: those that no output depends on go where rounding takes them.
    """
    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        restored, otherwise = (network.eval()(image) for network in (one, other))
    return (restored - otherwise).abs().max().item()


def states(path):
    return sorted(file.name for file in (path / "state").iterdir())


def test_schedule_rises_linearly_and_falls_as_a_cosine():
    rates = [warmup_cosine(s, 110, 10, 1.0, 0.1) for s in range(110)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[10 + 33] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 3)) / 2)


def test_a_constant_rate_depends_on_the_end_from_its_decay_on_alone():
    short, long = (
        [warmup_constant(s, end - 20, end, 10, 1.0, 0.1) for s in range(end)] for end in (50, 200)
    )
    assert short[:30] == long[:30] == pytest.approx([*np.arange(1, 11) / 10, *[1] * 20])
    assert long[:180] == short[:30] + [1.0] * 150
    assert short[30:] == long[180:] == pytest.approx(1 - 0.9 * np.arange(1, 21) / 20)


CONSTANT = replace(RECIPE, iterations=40, schedule="constant", decay=0.25)


def counted(asked):
    def of(step, samples):
        asked.append(step)
        return batches(step, samples)

    return of


@pytest.mark.parametrize("execution", [EVERY_STEP, Execution(validation=2)])
def test_a_later_level_goes_on_as_if_it_had_never_stopped(tmp_path, execution):
    trunk, asked = tmp_path / "trunk", {level: [] for level in (30, 60, 100)}
    for level, steps in asked.items():
        recipe = replace(CONSTANT, level=level)
        whole, expected = run_training(tmp_path / f"alone {level}", recipe=recipe)
        network, history = run_training(
            tmp_path / f"{level}", counted(steps), recipe, execution=execution, trunk=trunk
        )
        assert same(network, whole)
        timed = ["steps_per_second", "memory_mib"]
        pd.testing.assert_frame_equal(history.drop(columns=timed), expected.drop(columns=timed))
    # Of -1 is the validation. Levels of 12, 24 and 40 steps, whose last quarters decay.
    trained = {level: sorted({*steps} - {-1}) for level, steps in asked.items()}
    assert trained == {30: [*range(12)], 60: [*range(9, 24)], 100: [*range(18, 40)]}


def test_an_earlier_level_and_other_settings_take_nothing_from_what_is_shared(tmp_path):
    trunk, small = tmp_path / "trunk", replace(CONSTANT, level=30)
    run_training(tmp_path / "first", recipe=replace(CONSTANT, level=60), trunk=trunk)
    network, _ = run_training(tmp_path / "second", recipe=small, trunk=trunk)
    assert same(network, run_training(tmp_path / "alone", recipe=small)[0])
    lines, about = [], {"seed": 1}
    run_training(tmp_path / "other", recipe=CONSTANT, about=about, lines=lines, trunk=trunk)
    assert any("belongs to other settings" in line for line in lines)


def test_training_lowers_the_loss(tmp_path):
    _, history = run_training(tmp_path, recipe=Recipe(iterations=60, batch=2, learning_rate=3e-3))
    assert history["loss"][-10:].mean() < history["loss"][:10].mean()
    assert history["step"].tolist() == list(range(1, 61))


def test_steps_are_those_of_a_plain_loop(tmp_path):
    network, _ = run_training(tmp_path)
    torch.manual_seed(0)
    plain = srresnet.build(features=8, blocks=1)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=1e-3, weight_decay=1e-4)
    for step in range(12):
        source, target = batches(step, range(2))
        optimizer.param_groups[0]["lr"] = warmup_cosine(step, 12, 3, 1e-3, 1e-7)
        optimizer.zero_grad()
        (plain(source) - target).abs().mean().backward()
        optimizer.step()
    for a, b in zip(network.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_every_procedure_is_held_to_the_same():
    assert sorted(TINY) == sorted(names_in("training/procedures"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """By the name of a procedure and the rows of a history: one trained at once, and its history.

    Without a checkpoint but the last: they change nothing.
    """

    @cache
    def trained(name, rows):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(loop, "HISTORY_ROWS", rows)
            training, folder = begun(name), tmp_path_factory.mktemp("undisturbed")
            return training, run_training(folder, execution=AT_THE_END, **training)[1]

    return trained


# At the fourth the phases of `TINY` change. How a history is thinned out is the loop's alone: there
# the quick ones serve.
@pytest.mark.parametrize(
    ("rows", "name"),
    [*((200, name) for name in TRAINED), *((2, name) for name in ("l1", "realesrgan", FOLLOWING))],
)
@pytest.mark.parametrize("step", [1, 4, 7])
def test_killed_and_run_again_ends_with_the_same_weights(
    tmp_path, monkeypatch, undisturbed, name, step, rows
):
    monkeypatch.setattr(loop, "HISTORY_ROWS", rows)
    whole, expected = undisturbed(name, rows)
    killed, resumed = begun(name), begun(name)
    execution = replace(EVERY_STEP, checkpoint_steps=step)
    at(step, killed, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, execution=execution, **killed)
    lines = []
    _, history = run_training(tmp_path, lines=lines, execution=AT_THE_END, **resumed)
    assert lines[0] == f"resuming after step {step}"
    assert all_same(resumed, whole)
    timed = ["steps_per_second", "memory_mib"]
    pd.testing.assert_frame_equal(history.drop(columns=timed), expected.drop(columns=timed))


@pytest.mark.parametrize("name", TRAINED)
def test_a_copy_that_is_superseded_writes_no_more_and_the_later_one_ends_the_same(
    tmp_path, monkeypatch, undisturbed, name
):
    first, later = begun(name), begun(name)
    tokens = []

    def claimed():
        """By another process: the variable is each one's own."""
        monkeypatch.setenv(ownership.VARIABLE, "")
        ownership.claim(tmp_path / "state")
        tokens.append(os.environ[ownership.VARIABLE])
        monkeypatch.setenv(ownership.VARIABLE, tokens[0])

    claimed()
    at(6, first, claimed)
    with pytest.raises(ownership.Superseded):
        run_training(tmp_path, execution=replace(AT_THE_END, checkpoint_steps=5), **first)
    assert states(tmp_path) == ["000000005.pt"]
    monkeypatch.setenv(ownership.VARIABLE, tokens[1])
    run_training(tmp_path, execution=AT_THE_END, **later)
    assert all_same(later, undisturbed(name, 200)[0])


@pytest.mark.parametrize(
    "other",
    [
        Execution(workers=0, validation=0),
        Execution(workers=4, checkpoint_steps=5, keep_checkpoints=1),
        Execution(checkpoint_minutes=1e-9),
    ],
)
@pytest.mark.parametrize("name", ["l1", FOLLOWING])
@pytest.mark.parametrize("rows", [200, 2])
def test_execution_does_not_alter_the_weights(tmp_path, monkeypatch, name, rows, other):
    monkeypatch.setattr(loop, "HISTORY_ROWS", rows)
    one, two = begun(name), begun(name)
    run_training(tmp_path / "a", **one)
    run_training(tmp_path / "b", execution=other, **two)
    assert all_same(one, two)


@pytest.mark.parametrize("name", IN_PARTS)
def test_accumulation_gives_the_same_weights_up_to_rounding(tmp_path, name):
    recipe = replace(RECIPE, iterations=6, batch=4, clip=0.01)
    whole, parts = (built(name, recipe.iterations) for _ in range(2))
    run_training(tmp_path / "a", recipe=recipe, execution=AT_THE_END, procedure=whole)
    execution = replace(AT_THE_END, accumulation=2)
    run_training(tmp_path / "b", recipe=recipe, execution=execution, procedure=parts)
    assert 0 < difference(whole.network, parts.network) < 2e-5


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a batch of 2 .* cannot be shared equally"):
        run_training(tmp_path, execution=Execution(accumulation=3))


def test_clipping_shortens_the_gradient(tmp_path):
    # AdamW forgives a common factor, so what is looked at is the gradient of the last step.
    recipe = replace(RECIPE, iterations=4, warmup=0)
    longest = []
    for clip in (0.0, 1e-3):
        network, _ = run_training(tmp_path / str(clip), recipe=replace(recipe, clip=clip))
        longest.append(torch.stack([p.grad.norm() for p in network.parameters()]).norm().item())
    assert longest[0] > 1e-2
    assert longest[1] == pytest.approx(1e-3, rel=1e-3)


def test_history_has_what_there_is_to_see(tmp_path):
    recipe = replace(RECIPE, iterations=40)
    _, history = run_training(tmp_path, recipe=recipe)
    assert (history["steps_per_second"] > 0).all()
    assert (history["memory_mib"] > 10).all()
    measured = history.dropna(subset="validation_psnr_db")
    assert measured["step"].tolist() == list(range(2, 41, 2))
    assert measured["validation_psnr_db"].iloc[-1] > measured["validation_psnr_db"].iloc[0]
    without = run_training(tmp_path / "off", recipe=recipe, execution=Execution(validation=0))[1]
    assert without["validation_psnr_db"].isna().all()


def test_the_newest_checkpoints_are_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, killed_at(7), execution=replace(EVERY_STEP, keep_checkpoints=3))
    assert states(tmp_path) == [f"{step:09d}.pt" for step in (5, 6, 7)]


def test_a_state_of_other_settings_is_set_aside_and_the_difference_named(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, killed_at(5))
    lines = []
    about = {"seed": 1, "group": {"jpeg": {"quality": 20}}}
    other, _ = run_training(tmp_path, about=about, lines=lines)
    assert "other settings (group.jpeg.quality, seed)" in lines[0]
    assert (tmp_path / "state.aside-1" / "000000005.pt").exists()
    assert same(other, run_training(tmp_path / "fresh", about=about)[0])


def test_another_recipe_is_another_training(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, killed_at(5))
    lines = []
    run_training(tmp_path, recipe=replace(RECIPE, clip=1.0), lines=lines)
    assert "other settings (recipe.clip)" in lines[0]


def test_a_broken_state_is_set_aside_and_the_one_before_serves(tmp_path):
    undisturbed, _ = run_training(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, killed_at(5))
    newest = tmp_path / "state" / "000000005.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    lines = []
    resumed, _ = run_training(tmp_path, lines=lines)
    assert "cannot be read" in lines[0]
    assert lines[1] == "resuming after step 4"
    assert newest.with_suffix(".broken").exists()
    assert same(resumed, undisturbed)


def test_a_state_with_one_wrong_bit_is_not_resumed(tmp_path):
    """Torch reads it without complaint."""
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, killed_at(5))
    path = max((tmp_path / "state").glob("*.pt"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)
    resumed, _ = run_training(tmp_path, lines=(lines := []))
    assert "its checksum is wrong" in lines[0]
    assert same(resumed, run_training(tmp_path / "fresh")[0])


def test_nothing_but_broken_states_is_a_fresh_start(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "000000003.pt").write_bytes(b"not a checkpoint")
    network, _ = run_training(tmp_path)
    assert same(network, run_training(tmp_path / "fresh")[0])


def test_a_state_that_would_execute_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'owned')!r}, 'w')",))

    (tmp_path / "state").mkdir()
    torch.save(Evil(), buffer := io.BytesIO())
    content = buffer.getvalue()
    signed = hashlib.sha256(content).digest() + content
    (tmp_path / "state" / "000000003.pt").write_bytes(signed)
    run_training(tmp_path, lines=(lines := []))
    assert "cannot be read" in lines[0]
    assert not (tmp_path / "owned").exists()


def test_divergence_names_the_step_and_keeps_the_last_good_state(tmp_path):
    with pytest.raises(Diverged, match=r"step 8 is nan; lower training\.learning_rate"):
        run_training(tmp_path, poisoned(7))
    content = (tmp_path / "state" / "000000007.pt").read_bytes()[state.DIGEST :]
    kept = torch.load(io.BytesIO(content), weights_only=True)
    assert kept["counters"]["step"] == 7
    assert all(torch.isfinite(t).all() for t in kept["networks"]["network"].values())


def test_divergence_is_found_at_its_step_between_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "HISTORY_ROWS", 2)
    with pytest.raises(Diverged, match="step 3 is inf"):
        run_training(tmp_path, poisoned(2, math.inf), execution=Execution())
    assert not (tmp_path / "state").exists()


def test_an_exploding_loss_is_a_divergence(tmp_path):
    with pytest.raises(Diverged, match=r"step 6 is 5\.\d+"):
        run_training(tmp_path, poisoned(5, 5.0))


class TestRollback:
    RECIPE = Recipe(iterations=60, batch=2, learning_rate=1e-3, on_divergence="rollback")

    @staticmethod
    def once():
        """Spoils step 11 the first time it is asked for."""
        asked = []

        def of(step, samples):
            source, target = batches(step, samples)
            if step == 10:
                asked.append(step)
            return source, target * (math.nan if step == 10 and len(asked) == 1 else 1)

        return of

    def test_once_at_half_the_rate_from_the_last_anchor_but_one(self, tmp_path):
        lines = []
        network, history = run_training(tmp_path, self.once(), self.RECIPE, lines=lines)
        assert "diverged at step 11: back to step 6, at half the rate" in lines
        assert history["step"].tolist() == list(range(1, 61))
        assert history["rollbacks"].tolist() == [0] * 6 + [1] * 54
        rates = [warmup_cosine(s, 60, 0, 1e-3, 1e-7) * (0.5 if s >= 6 else 1) for s in range(60)]
        assert history["learning_rate"].tolist() == pytest.approx(rates)
        assert all(torch.isfinite(p).all() for p in network.parameters())

    def test_result_does_not_depend_on_the_checkpoints(self, tmp_path):
        results = [
            run_training(tmp_path / str(i), self.once(), self.RECIPE, execution=execution)[0]
            for i, execution in enumerate([EVERY_STEP, Execution(keep_checkpoints=1)])
        ]
        assert same(*results)

    @pytest.mark.parametrize("step", [8, 12])
    def test_result_does_not_depend_on_a_kill(self, tmp_path, step):
        undisturbed, _ = run_training(tmp_path / "a", self.once(), self.RECIPE)
        spoils = self.once()

        def killed(asked, samples):
            if asked == step:
                raise KeyboardInterrupt
            return spoils(asked, samples)

        with pytest.raises(KeyboardInterrupt):
            run_training(
                tmp_path / "b", killed, self.RECIPE, execution=replace(EVERY_STEP, workers=0)
            )
        spoils = self.once() if step == 8 else batches
        resumed, _ = run_training(tmp_path / "b", spoils, self.RECIPE)
        assert same(resumed, undisturbed)

    def test_a_second_divergence_ends_the_training(self, tmp_path):
        lines = []
        with pytest.raises(Diverged, match="step 11 is nan"):
            run_training(tmp_path, poisoned(10), self.RECIPE, lines=lines)
        assert sum("diverged" in line for line in lines) == 1


def test_kill_while_saving_leaves_the_previous_state(tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, killed_at(5))
    before = states(tmp_path)

    def half(content, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(state.torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path)
    assert states(tmp_path) == before


def test_a_training_whose_end_was_not_noted_is_not_repeated(tmp_path):
    """As when a workflow manager is killed before it has noted the end, and deletes the outputs."""

    def files(batches):
        run.train_to_files(
            built("l1", RECIPE.iterations),
            batches,
            RECIPE,
            weights_path=tmp_path / "model.safetensors",
            history_path=tmp_path / "history.parquet",
            about={"seed": 0},
            execution=EVERY_STEP,
            say=lambda line: None,
            label="test",
        )
        return [(tmp_path / name).read_bytes() for name in ("model.safetensors", "history.parquet")]

    made = files(batches)
    about = weights.about(tmp_path / "model.safetensors")
    assert about["seed"] == 0
    assert about["recipe"]["iterations"] == 12
    assert states(tmp_path) == ["000000012.pt"]
    for name in ("model.safetensors", "history.parquet"):
        (tmp_path / name).unlink()
    assert files(killed_at(0)) == made


ENDLESS = """
import signal
import sys
from pathlib import Path
from dataclasses import replace
sys.path.insert(0, {tests!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in background
import test_training as t
t.run_training(
    Path({folder!r}),
    recipe=replace(t.RECIPE, iterations=10**6),
    lines=type("Lines", (), {{"append": lambda self, line: print(line, flush=True)}})(),
    execution=t.Execution(checkpoint_steps=100),
)
"""


def test_a_signal_ends_the_process_with_a_checkpoint(tmp_path):
    code = ENDLESS.format(tests=str(ROOT / "tests"), folder=str(tmp_path))
    with subprocess.Popen(
        [preloaded.python(), "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        while not (tmp_path / "state").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)[0]
    assert process.returncode == 128 + signal.SIGINT
    step = int(states(tmp_path)[-1].removesuffix(".pt"))
    assert f"SIGINT: state kept after step {step}; run again to go on" in said


def test_where_compiling_fails_it_goes_on_without(tmp_path, monkeypatch):
    def broken(network):
        def call(x):
            raise RuntimeError("no compiler\nand much more")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    lines = []
    network, _ = run_training(tmp_path, execution=Execution(compile=True), lines=lines)
    assert "execution.compile: not possible here (no compiler); going on without" in lines
    assert same(network, run_training(tmp_path / "plain")[0])


def test_a_compiled_network_shares_its_weights(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network: nn.Sequential(network))
    network = nn.Conv2d(3, 3, 1)
    faster = compiled(network, lambda model: model(torch.ones(1, 3, 2, 2)).sum(), print)
    assert faster is not network
    assert network.weight.grad is None
