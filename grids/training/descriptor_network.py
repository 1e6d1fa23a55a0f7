"""The training of a descriptor's network, from plain values to its files."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import nn

from grids.base import randomness
from grids.images.staging import staged
from grids.images.store import Store
from grids.models import devices
from grids.training.batches import Batches
from grids.training.loop import Execution, Recipe
from grids.training.procedure import Task
from grids.training.procedures import l1
from grids.training.processes import ranks
from grids.training.run import train_to_files


def train(
    name: str,
    network: Callable[[], nn.Module],
    batches: Callable[..., Batches],
    about: dict[str, Any],
    *,
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
    """Trains a network by L1 on what is made of the photographs of a store alone.

    Args:
        name: of the descriptor; first weights are drawn by it and the seed.
        network: makes the network.
        batches: of the store, with `seed` and `device`.
        about: what the metadata of the weights say beside seed, content and code.

    The others: see `grids.training.restorer.train`.
    """
    place = ranks.own_device(devices.use(device, threads))
    torch.manual_seed(randomness.key(seed, name, "weights"))
    learning = network().to(place)
    photographs = Store(staged(store, scratch), pd.read_parquet(index))
    train_to_files(
        l1.build(learning, Task(recipe["iterations"], recipe["batch"], say)),
        batches(photographs, seed=seed, device=place),
        Recipe(**recipe),
        weights_path=weights,
        history_path=history,
        about={**about, "seed": seed, "content": content, "code": code},
        execution=Execution(**execution),
        say=say,
        label=name,
    )
