"""The training of the descriptor's network, from plain values to its files."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch

from grids.base import randomness
from grids.descriptors import srresnet
from grids.images.staging import staged
from grids.images.store import Store
from grids.models import devices
from grids.training.loop import Execution, Recipe
from grids.training.procedure import Task
from grids.training.procedures import l1
from grids.training.processes import ranks
from grids.training.run import train_to_files
from grids.training.super_resolution_batches import super_resolution


def train(
    *,
    sizes: dict[str, Any],
    sampling: dict[str, Any],
    recipe: dict[str, Any],
    seed: int,
    content: str,
    code: str,
    index: str,
    store: str,
    weights: str,
    history: str,
    device: str,
    threads: int,
    scratch: str,
    execution: dict[str, Any],
    say: Callable[[str], None],
) -> None:
    """Trains the ×4 super-resolver whose features describe degradations.

    Args: see `grids.training.restorer.train`.
    """
    place = ranks.own_device(devices.use(device, threads))
    torch.manual_seed(randomness.key(seed, "descriptor", "weights"))
    network = srresnet.network(**sizes).to(place)
    photographs = Store(staged(store, scratch), pd.read_parquet(index))
    train_to_files(
        l1.build(network, Task(recipe["iterations"], say)),
        super_resolution(photographs, srresnet.SCALE, **sampling, seed=seed, device=place),
        Recipe(**recipe),
        weights_path=weights,
        history_path=history,
        about={
            "sizes": sizes,
            "sampling": sampling,
            "seed": seed,
            "content": content,
            "code": code,
        },
        execution=Execution(**execution),
        say=say,
        label="descriptor",
    )
