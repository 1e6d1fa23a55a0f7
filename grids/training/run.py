"""A training from its start, or from where it was killed, to its files."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grids.base.files import appearing
from grids.models import weights
from grids.training import state
from grids.training.batches import Batches
from grids.training.loop import Execution, Recipe, train
from grids.training.procedure import Procedure
from grids.training.processes import ownership, ranks
from grids.training.schedule import WHOLE


def train_to_files(
    procedure: Procedure,
    batches: Batches,
    recipe: Recipe,
    *,
    weights_path: str | Path,
    history_path: str | Path,
    about: dict[str, Any],
    execution: Execution,
    say: Callable[[str], None],
    label: str,
    trunk: str = "",
) -> None:
    """Trains, and writes the history and the weights, with `about` and the recipe as metadata.

    The resumable checkpoints stand beside the weights in the folder `state`; a workflow manager
    that deletes the outputs of a killed job does not know it. The last one stays, so that a kill
    before the manager has noted the end of the job costs nothing: see `grids.runs.orphans.spent`.

    Args and errors: see `grids.training.loop.train`; without `trunk` nothing is shared.
    """
    folder = state_folder(Path(weights_path))
    history = train(
        procedure,
        batches,
        recipe,
        state_folder=folder,
        about=about,
        execution=execution,
        say=say,
        label=label,
        trunk=Path(trunk) if trunk else None,
    )
    if ranks.rank() != 0:
        return
    ownership.check(folder)
    with appearing(history_path) as temporary:
        history.to_parquet(temporary, index=False)
    weights.save(Path(weights_path), procedure.network, {**about, "recipe": asdict(recipe)})
    state.prune(folder, keep=1, anchors=[])
    if trunk and recipe.level == WHOLE:
        # No later one goes on from it.
        shutil.rmtree(trunk, ignore_errors=True)
    ownership.release(folder)


def state_folder(weights: Path) -> Path:
    """Where the checkpoints of a training stand until its weights are written."""
    return weights.with_name("state")
