"""The training loop: L1, AdamW, warm-up cosine, resumable at any kill."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grids.progress import Progress
from grids.training import state
from grids.training.crops import Batches
from grids.training.schedule import warmup_cosine

HISTORY_ROWS = 200


class Diverged(ArithmeticError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True)
class Recipe:
    """Optimization of a training (paper, Section 5.1; what it leaves open has defaults here)."""

    iterations: int
    learning_rate: float
    minimum_learning_rate: float = 1e-7
    warmup: int = 0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    precision: str = "fp32"
    """`fp32`, or `bf16`: products in bfloat16, weights and their updates in float32."""


def train(
    network: nn.Module,
    batches: Batches,
    recipe: Recipe,
    *,
    state_path: Path,
    about: dict,
    checkpoint_minutes: float,
    say: Callable[[str], None],
    label: str,
) -> pd.DataFrame:
    """Trains `network` in place and returns its history.

    Killed and called again with the same arguments it goes on from the last checkpoint and ends
    with the same weights as without the kill (on a CPU with an equal number of threads, bit for
    bit), since a batch is a function of its step.

    Args:
        network: on its device.
        batches: (input, target) of a step.
        recipe: the optimization.
        state_path: the resumable checkpoint; the caller removes it once the outputs are written.
        about: all that the result depends on; a checkpoint with another `about` is set aside.
        checkpoint_minutes: time between checkpoints.
        say: takes lines of progress.
        label: names the training in those lines.

    Returns:
        One row a stretch of steps: `step` (steps done), `loss` (its mean), `learning_rate`,
        `steps_per_second`.

    Raises:
        Diverged: the loss of the named step is not finite. The last good checkpoint stays.
    """
    about = {**about, "recipe": asdict(recipe)}
    network.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=recipe.learning_rate,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
    )
    done, history = state.resume(state_path, about, network, optimizer, say)
    stretch = max(1, recipe.iterations // HISTORY_ROWS)
    progress = Progress(label, recipe.iterations, "it", say, done)
    saved = stretch_start = time.monotonic()
    losses: list[Tensor] = []
    for step in range(done, recipe.iterations):
        rate = warmup_cosine(
            step,
            recipe.iterations,
            recipe.warmup,
            recipe.learning_rate,
            recipe.minimum_learning_rate,
        )
        losses.append(_step(network, optimizer, batches(step), rate, recipe.precision == "bf16"))
        # Losses are looked at in stretches: on a GPU every look waits for the device.
        if (step + 1) % stretch == 0 or step + 1 == recipe.iterations:
            now = time.monotonic()
            loss = _mean_of_finite(losses, step + 1)
            history.append(
                {
                    "step": step + 1,
                    "loss": loss,
                    "learning_rate": rate,
                    "steps_per_second": len(losses) / (now - stretch_start),
                }
            )
            losses, stretch_start = [], now
            progress.report(step + 1, f"loss {loss:.4f}")
            if now - saved > checkpoint_minutes * 60 and step + 1 < recipe.iterations:
                state.save(state_path, about, step + 1, network, optimizer, history)
                saved = now
    return pd.DataFrame(history)


def _step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    pair: tuple[Tensor, Tensor],
    rate: float,
    half: bool,
) -> Tensor:
    source, target = pair
    for parameters in optimizer.param_groups:
        parameters["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(source.device.type, torch.bfloat16, enabled=half):
        output = network(source.contiguous(memory_format=torch.channels_last))
    loss = F.l1_loss(output.float(), target)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _mean_of_finite(losses: list[Tensor], done: int) -> float:
    values = torch.stack(losses).tolist()
    for step, value in enumerate(values, start=done - len(values) + 1):
        if not torch.isfinite(torch.tensor(value)):
            raise Diverged(
                f"the loss of step {step} is {value}; lower training.learning_rate and run again"
            )
    return sum(values) / len(values)
