"""The training loop: a procedure's losses, AdamW, a schedule, resumable at any kill."""

import resource
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor, nn

from grids.base.errors import NotFiniteError
from grids.base.levels import WHOLE, decay_from, steps_at
from grids.base.progress import Progress
from grids.training import state
from grids.training.batches import Batch, Batches, ahead
from grids.training.compiled import compiled
from grids.training.procedure import NETWORK, Loss, Phase, Procedure
from grids.training.processes import normalization, ownership, ranks, signals
from grids.training.proportions import Proportions
from grids.training.schedule import warmup_constant, warmup_cosine
from grids.training.watcher import Watcher

HISTORY_ROWS = 200
VALIDATIONS = 20
ANCHORS = 20
"""States that a rollback may return to, over the whole training."""
LOOK = 10
"""Steps between looks at the losses: on a GPU every look waits for the device."""
ROLLBACK_RATE = 0.5


class Diverged(NotFiniteError):
    """The loss is not finite, or above what its procedure takes as possible."""

    def __init__(self, step: int, loss: float):
        self.step = step
        super().__init__(
            f"the loss of step {step} is {loss:g}; lower training.learning_rate, set "
            "training.clip, or set training.on_divergence to rollback, and run again"
        )


@dataclass(frozen=True)
class Recipe:
    """Optimization of a training (paper, Section 5.1; what it leaves open has defaults here)."""

    iterations: int
    batch: int
    learning_rate: float
    minimum_learning_rate: float = 1e-7
    warmup: int = 0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    clip: float = 0.0
    """Largest norm of the gradient; a longer one is shortened to it. 0: as it is."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """`bf16`: products in bfloat16, weights and their updates in float32."""
    on_divergence: Literal["stop", "rollback"] = "stop"
    """`rollback`: once, a tenth of the training or less, and from there at half the rate."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """`constant`: no step before the decay depends on where the training ends."""
    decay: float = 0.2
    """Share of the steps over which a constant rate falls in the end."""
    level: int = 100
    """The budget: percent of `iterations` that are trained; below 100 with `constant` alone."""

    @property
    def steps(self) -> int:
        """Steps of the training."""
        return steps_at(self.iterations, self.level)

    @property
    def constant_until(self) -> int:
        """Steps before the decay of a constant rate."""
        return decay_from(self.steps, self.decay)


@dataclass(frozen=True)
class Execution:
    """How a training is computed: none of it changes the result by more than rounding."""

    checkpoint_minutes: float = 10.0
    checkpoint_steps: int = 0
    """0: by time alone."""
    keep_checkpoints: int = 2
    workers: int = 1
    """Threads that make batches ahead; 0: none."""
    accumulation: int = 1
    """Parts that each process works its share of a batch through in."""
    compile: bool = False
    validation: int = 8
    """Samples of the fixed batch that the history's PSNR is measured on; 0: none."""


def train(
    procedure: Procedure,
    batches: Batches,
    recipe: Recipe,
    *,
    state_folder: Path,
    about: dict[str, Any],
    execution: Execution,
    say: Callable[[str], None],
    label: str,
    trunk: Path | None = None,
    watcher: Watcher | None = None,
    proportions: Proportions | None = None,
) -> pd.DataFrame:
    """Trains the network of `procedure` in place and returns its history.

    Killed and called again with the same arguments it goes on from the last checkpoint and ends
    with the same weights as without the kill (on a CPU with an equal number of threads, bit for
    bit), since a batch is a function of its step. SIGTERM or SIGINT writes a checkpoint after the
    step that is under way and ends the process with status 128 + the signal's number.

    Several processes that have joined (see `grids.training.processes.ranks`) share each batch
    equally.

    Args:
        procedure: how, and the network, on its device.
        batches: input, target and what else the procedure takes, of a step and some of its samples.
        recipe: the optimization.
        state_folder: the resumable checkpoints; the caller removes it once the outputs are written.
        about: all that the result depends on; checkpoints with another `about` are set aside.
        execution: how it is computed.
        say: takes lines of progress.
        label: names the training in those lines.
        trunk: folder of the states before a decay, which trainings of the same with other budgets
            share: a later one goes on from them, and ends with the weights that it has without.
        watcher: looks at every step. It has to see all of them: with it nothing is shared.
        proportions: the shares that `batches` goes by from step 0 on, and that change with each
            validation.

    Returns:
        One row a stretch of steps: `step` (steps done), `loss` (mean over the stretch),
        `learning_rate` (of the last step), `steps_per_second`, `memory_mib` (peak of the GPU, or of
        the process), `validation_psnr_db` (mean over a fixed batch of training photographs that no
        step uses, missing in most rows), `rollbacks` (so far). With `proportions`, of each member
        `share_{member}` (of the samples of these steps) and `behind_{member}_db` (its single-task
        model, smoothed over the validations so far).

    Raises:
        InputError: the batch cannot be shared equally.
        Diverged: the loss of the named step; the last good checkpoints stay.
    """
    arguments = procedure, batches, recipe, state_folder, about, execution, say, label, trunk
    return _Training(*arguments, watcher, proportions).run()


class _Objective(nn.Module):
    """A loss as a module, so that processes share it whatever it calls of its network."""

    def __init__(self, model: nn.Module, loss: Loss):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *batch: Tensor) -> Tensor:
        return self.loss(self.model, *batch)


class _Training:
    def __init__(
        self,
        procedure: Procedure,
        batches: Batches,
        recipe: Recipe,
        folder: Path,
        about: dict[str, Any],
        execution: Execution,
        say: Callable[[str], None],
        label: str,
        trunk: Path | None,
        watcher: Watcher | None,
        proportions: Proportions | None,
    ):
        self.procedure, self.network = procedure, procedure.network
        self.networks = {NETWORK: procedure.network, **procedure.further}
        self.watcher, self.proportions = watcher, proportions
        beside: list[Watcher | Proportions] = [one for one in (watcher, proportions) if one]
        for one in beside:
            self.networks[one.name] = one
            about = {**about, one.name: one.about}
        for network in self.networks.values():
            normalization.over_processes(network)
            # The annotation of `to` lacks the format of memory.
            network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.batches, self.recipe, self.execution = batches, recipe, execution
        self.folder, self.about = folder, {**about, "recipe": asdict(recipe)}
        self.say, self.label = say if ranks.rank() == 0 else _silent, label
        self.trunk = trunk if recipe.schedule == "constant" and not watcher else None
        self.device = next(self.network.parameters()).device
        if self.device.type == "cuda":
            # All steps have one shape: trying the algorithms for it once pays off.
            torch.backends.cudnn.benchmark = True
        self.phase: Phase | None = None
        self.objectives: dict[str, nn.Module] = {}
        self.parts = ranks.shares(recipe.batch, execution.accumulation)
        self.stretch = max(1, recipe.iterations // HISTORY_ROWS)
        validated = max(1, recipe.iterations // self.stretch // VALIDATIONS)
        self.validated = validated * self.stretch
        self.anchor = max(1, recipe.iterations // ANCHORS)
        self.learning = [
            weight
            for network in self.networks.values()
            for weight in network.parameters()
            if weight.requires_grad
        ]
        self.optimizers = {
            name: torch.optim.AdamW(
                network.parameters(),
                lr=recipe.learning_rate,
                betas=recipe.betas,
                weight_decay=recipe.weight_decay,
                fused=True,
            )
            for name, network in self.networks.items()
            if any(True for _ in network.parameters())
        }

    def run(self) -> pd.DataFrame:
        self.counters = self._resumed()
        self.model = self.network
        if self.execution.compile:
            self.model = compiled(self.network, self._sample_loss, self.say)
        with signals.noticed(insistent=ranks.count() == 1) as signal:
            while True:
                try:
                    self._advance(signal)
                    return pd.DataFrame(self.counters.history)
                except Diverged as diverged:
                    if self.recipe.on_divergence == "stop" or self.counters.rollbacks:
                        raise
                    self._roll_back(diverged)

    def _resumed(self) -> state.Counters:
        # One process after the other: the first may rename what it finds.
        for turn in range(ranks.count()):
            if turn == ranks.rank():
                arguments = self.folder, self.about, self.networks, self.optimizers
                counters = state.resume(*arguments, self.say)
                if self.trunk and not counters.step:
                    shared = self.trunk, self._about_trunk(), self.networks, self.optimizers
                    counters = state.resume(*shared, self.say, self.recipe.constant_until)
            ranks.wait()
        if counters.step:
            self.say(f"resuming after step {counters.step}")
        return counters

    def _about_trunk(self) -> dict[str, Any]:
        """What the steps before a decay depend on."""
        recipe = {k: v for k, v in self.about["recipe"].items() if k not in ("level", "decay")}
        return {k: v for k, v in self.about.items() if k != "steps"} | {"recipe": recipe}

    def _advance(self, signal: signals.Noticed) -> None:
        """From where the counters stand to the end."""
        total, counters = self.recipe.steps, self.counters
        branches = self.recipe.constant_until if self.trunk else 0
        if self.recipe.on_divergence == "rollback" and counters.step == 0:
            self._save()
        progress = Progress(self.label, total, "it", self.say, counters.step)
        saved = since = time.monotonic()
        steps = range(counters.step, total)
        timed_from, waiting = counters.step, []
        with closing(self._made(steps)) as made:
            for step, parts in zip(steps, made, strict=True):
                rate = self._rate(step)
                waiting.append(self._step(step, parts, rate))
                done = step + 1
                row = done % self.stretch == 0 or done == total
                planned = self._planned(done)
                alone = ranks.count() == 1 and signal.number
                if not (row or planned or alone or done % LOOK == 0 or done == branches):
                    continue
                stopped = self._look(waiting, done, signal)
                recent = counters.losses[-LOOK:]
                if row:
                    speed = (done - timed_from) / (time.monotonic() - since)
                    self._append_row(done, rate, speed)
                    since, timed_from = time.monotonic(), done
                progress.report(done, f"loss {sum(recent) / len(recent):.4f}")
                late = time.monotonic() - saved >= self.execution.checkpoint_minutes * 60
                if planned or late or stopped or done == total:
                    self._save()
                    saved = time.monotonic()
                if done == branches:
                    self._keep_trunk()
                if done < total and stopped:
                    name = Signals(stopped).name
                    self.say(f"{name}: state kept after step {done}; run again to go on")
                    raise SystemExit(128 + stopped)

    def _made(self, steps: range) -> Generator[list[Batch], None, None]:
        """The batches of `steps`, none of them made before the shares that it is drawn by."""
        last = steps.stop
        while steps:
            if self.proportions:
                last = min((steps.start // self.validated + 1) * self.validated, steps.stop)
            now = range(steps.start, last)
            yield from ahead(self.batches, now, self.parts, self.execution.workers, self.device)
            steps = range(last, steps.stop)

    def _rate(self, step: int) -> float:
        recipe = self.recipe
        peak, least = recipe.learning_rate, recipe.minimum_learning_rate
        if recipe.schedule == "cosine":
            rate = warmup_cosine(step, recipe.steps, recipe.warmup, peak, least)
        else:
            ends = recipe.constant_until, recipe.steps
            rate = warmup_constant(step, *ends, recipe.warmup, peak, least)
        return rate * ROLLBACK_RATE**self.counters.rollbacks

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        for weight in self.learning:
            weight.requires_grad_(True)
        for part in phase.frozen:
            part.requires_grad_(False)
        self.objectives = {
            name: ranks.shared(
                _Objective(self.model if name == NETWORK else self.networks[name], loss)
            )
            for name, loss in phase.losses.items()
        }

    def _step(self, step: int, parts: Sequence[Batch], rate: float) -> Tensor:
        phase = self.procedure.phase(step)
        if phase is not self.phase:
            self._enter(phase)
        for optimizer in self.optimizers.values():
            for parameters in optimizer.param_groups:
                parameters["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
        self.procedure.begin(step, self.batches)
        if self.watcher:
            self.watcher.look(step, rate, _Objective(self.network, phase.losses[NETWORK]))
        losses = []
        for number, part in enumerate(parts, start=1):
            for name, objective in self.objectives.items():
                with ranks.gathering(objective, last=number == len(parts)):
                    # Each part is an equal share of the batch: the mean of the means is the mean.
                    loss = self._loss(objective, part) / len(parts)
                    loss.backward()
                if name == NETWORK:
                    losses.append(loss.detach())
        for name in self.objectives:
            if self.recipe.clip:
                nn.utils.clip_grad_norm_(self.networks[name].parameters(), self.recipe.clip)
            self.optimizers[name].step()
        self.procedure.finish(step)
        return torch.stack(losses).sum()

    def _loss(self, objective: nn.Module, batch: Batch) -> Tensor:
        with self._precision():
            loss: Tensor = objective(*batch)
            return loss

    def _precision(self) -> torch.autocast:
        half = self.recipe.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def _sample_loss(self, model: nn.Module) -> Tensor:
        source, *others = self.batches(0, self.parts[0])
        source = source.contiguous(memory_format=torch.channels_last)
        loss = self.procedure.phase(self.counters.step).losses[NETWORK]
        return self._loss(_Objective(model, loss), (source, *others))

    def _planned(self, done: int) -> bool:
        """Whether a checkpoint is due by the number of steps."""
        every = self.execution.checkpoint_steps
        anchor = self.recipe.on_divergence == "rollback" and done % self.anchor == 0
        return anchor or (every > 0 and done % every == 0)

    def _look(self, waiting: list[Tensor], done: int, signal: signals.Noticed) -> int:
        """Reads the losses; returns the signal that came to any of the processes, or 0."""
        came = torch.tensor(float(signal.number > 0), device=self.device)
        *losses, stop = ranks.mean(torch.stack([*waiting, came])).tolist()
        for step, loss in enumerate(losses, start=done - len(losses) + 1):
            if not torch.isfinite(torch.tensor(loss)):
                raise Diverged(step, loss)
        waiting.clear()
        self.counters.losses += losses
        self.counters.step = done
        return (signal.number or SIGTERM) if stop else 0

    def _append_row(self, done: int, rate: float, speed: float) -> None:
        counters = self.counters
        loss = sum(counters.losses) / len(counters.losses)
        row = range(done - len(counters.losses), done)
        if loss > max(self.procedure.phase(step).highest_loss for step in row):
            raise Diverged(done, loss)
        counters.losses = []
        due = done % self.validated == 0 or done == self.recipe.steps
        counters.history.append(
            {
                "step": done,
                "loss": loss,
                "learning_rate": rate,
                "steps_per_second": speed,
                "memory_mib": _peak_memory(self.device) / 2**20,
                "validation_psnr_db": self._validation_psnr() if due else float("nan"),
                "rollbacks": counters.rollbacks,
                **(self._proportioned(self.proportions, done, due) if self.proportions else {}),
            }
        )

    def _proportioned(self, proportions: Proportions, done: int, due: bool) -> dict[str, float]:
        """What a row tells of the shares, which change behind it where a validation is due."""
        shares = {f"share_{name}": share for name, share in proportions.shares().items()}
        if due:
            first = ranks.rank() == 0
            measured = [self._psnr(*of) if first else 0.0 for of in proportions.validations]
            psnr = torch.tensor(measured, dtype=torch.float64, device=self.device)
            # All processes but the first have zeros.
            proportions.follow(done, ranks.mean(psnr).cpu() * ranks.count())
        return shares | {f"behind_{name}_db": db for name, db in proportions.decibels().items()}

    def _validation_psnr(self) -> float:
        if not self.execution.validation or ranks.rank() != 0:
            return float("nan")
        return self._psnr(*self.batches(-1, range(self.execution.validation)))

    def _psnr(self, source: Tensor, target: Tensor, *_: Tensor) -> float:
        self.network.eval()
        with torch.inference_mode():
            source = source.contiguous(memory_format=torch.channels_last)
            with self._precision():
                output = self.network(source)
            errors = output.float().clamp(0, 1) - target
            errors = errors.square().mean((1, 2, 3)).clamp(min=1e-10)
        self.network.train()
        return float((-10 * errors.log10()).mean())

    def _save(self) -> None:
        if ranks.rank() != 0:
            return
        ownership.check(self.folder)
        state.save(self.folder, self.about, self.counters, self.networks, self.optimizers)
        last = self.counters.step // self.anchor * self.anchor
        anchors = [last, last - self.anchor] if self.recipe.on_divergence == "rollback" else []
        state.prune(self.folder, self.execution.keep_checkpoints, anchors)

    def _keep_trunk(self) -> None:
        """Keeps the state before the decay for trainings with a larger budget."""
        if ranks.rank() != 0 or self.trunk is None or self.recipe.level == WHOLE:
            return
        ownership.check(self.folder)
        state.save(self.trunk, self._about_trunk(), self.counters, self.networks, self.optimizers)
        state.prune(self.trunk, keep=1, anchors=[])

    def _roll_back(self, diverged: Diverged) -> None:
        """To the last anchor but one: the last may hold weights that are spoilt already."""
        last = (diverged.step - 1) // self.anchor * self.anchor
        step = max(0, last - self.anchor)
        ranks.wait()
        self.counters = state.back_to(self.folder, step, self.networks, self.optimizers)
        self.counters.rollbacks += 1
        ranks.wait()
        if ranks.rank() == 0:
            state.forget_after(self.folder, step)
        self.say(f"diverged at step {diverged.step}: back to step {step}, at half the rate")


def _peak_memory(device: torch.device) -> int:
    """Bytes: of the GPU's tensors, or of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _silent(line: str) -> None:
    pass
