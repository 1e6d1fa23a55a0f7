"""A training from its start, or from where it was killed, to its files."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from grids.base.files import appearing, sha256
from grids.base.levels import WHOLE
from grids.models import weights
from grids.training import state
from grids.training.batches import Batches
from grids.training.loop import Execution, Recipe, train
from grids.training.procedure import Procedure
from grids.training.processes import ownership, ranks
from grids.training.proportions import Proportions
from grids.training.watcher import Watcher


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
    watcher: Watcher | None = None,
    proportions: Proportions | None = None,
    seen_path: str | Path = "",
) -> None:
    """Trains, and writes the history and the weights, with `about` and the recipe as metadata.

    The resumable checkpoints stand beside the weights in the folder `state`; a workflow manager
    that deletes the outputs of a killed job does not know it. The last one stays, so that a kill
    before the manager has noted the end of the job costs nothing: see `grids.runs.orphans.spent`.

    What a watcher has seen goes to `seen_path`, with what it depends on and the digest of the
    weights in `attrs`; these are the ones that the training has without it.

    Other args and errors: see `grids.training.loop.train`; without `trunk` nothing is shared.
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
        watcher=watcher,
        proportions=proportions,
    )
    # What its validations were measured on, for `grids.training.proportions`.
    history.attrs = {"validation": execution.validation, "seed": about["seed"]}
    if ranks.rank() != 0:
        return
    ownership.check(folder)
    with appearing(history_path) as temporary:
        history.to_parquet(temporary, index=False)
    weights.save(Path(weights_path), procedure.network, {**about, "recipe": asdict(recipe)})
    if watcher:
        seen = watcher.seen()
        seen.attrs = {**watcher.about, "weights": sha256(Path(weights_path))}
        with appearing(seen_path) as temporary:
            seen.to_parquet(temporary, index=False)
    state.prune(folder, keep=1, anchors=[])
    if trunk and recipe.level == WHOLE:
        # No later one goes on from it.
        shutil.rmtree(trunk, ignore_errors=True)
    ownership.release(folder)


def belongs(seen: Path, weights: Path, about: Mapping[str, Any]) -> bool:
    """Whether a file holds what a watcher has seen on the way to these very weights.

    Args:
        seen: the file, which need not be there.
        weights: of the training.
        about: what the watcher's sight depends on.
    """
    if not seen.is_file():
        return False
    attrs: dict[str, Any] = pd.read_parquet(seen).attrs
    return attrs == {**about, "weights": sha256(weights)}


def state_folder(weights: Path) -> Path:
    """Where the checkpoints of a training stand until its weights are written."""
    return weights.with_name("state")
