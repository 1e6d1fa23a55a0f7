"""The training of VGG19 on colours, from plain values to its files."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch

from grids.base import randomness
from grids.descriptors.vgg import Colorizer
from grids.images.staging import staged
from grids.images.store import Store
from grids.models import devices
from grids.training.colorization_batches import colorization
from grids.training.loop import Execution, Recipe
from grids.training.procedure import Task
from grids.training.procedures import l1
from grids.training.processes import ranks
from grids.training.run import train_to_files


def train(
    *,
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
    """Trains VGG19 to give grey photographs their colours.

    Args: see `grids.training.restorer.train`.
    """
    place = ranks.own_device(devices.use(device, threads))
    torch.manual_seed(randomness.key(seed, "vgg", "weights"))
    photographs = Store(staged(store, scratch), pd.read_parquet(index))
    train_to_files(
        l1.build(Colorizer().to(place), Task(recipe["iterations"], say)),
        colorization(photographs, **sampling, seed=seed, device=place),
        Recipe(**recipe),
        weights_path=weights,
        history_path=history,
        about={
            "task": "colorization",
            "sampling": sampling,
            "seed": seed,
            "content": content,
            "code": code,
        },
        execution=Execution(**execution),
        say=say,
        label="vgg",
    )
