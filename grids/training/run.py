"""A training from its start, or from where it was killed, to its files."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from grids import weights
from grids.files import appearing
from grids.training.crops import Batches
from grids.training.loop import Recipe, train


def train_to_files(
    network: nn.Module,
    batches: Batches,
    recipe: Recipe,
    *,
    weights_path: str | Path,
    history_path: str | Path,
    about: dict,
    checkpoint_minutes: float,
    say: Callable[[str], None],
    label: str,
) -> None:
    """Trains, and writes the weights with `about` in their metadata, and the history.

    The resumable checkpoint stands beside the weights as `state.pt` until they are written; a
    workflow manager that deletes the outputs of a killed job does not know it.

    Args and errors: see `grids.training.loop.train`.
    """
    state_path = Path(weights_path).with_name("state.pt")
    state_path.parent.mkdir(parents=True, exist_ok=True)
    history = train(
        network,
        batches,
        recipe,
        state_path=state_path,
        about=about,
        checkpoint_minutes=checkpoint_minutes,
        say=say,
        label=label,
    )
    with appearing(history_path) as temporary:
        history.to_parquet(temporary, index=False)
    weights.save(Path(weights_path), network, about)
    state_path.unlink(missing_ok=True)
