"""The training of VGG19 on colours."""

from functools import partial
from typing import Any

from grids.descriptors.vgg import Colorizer
from grids.training import descriptor_network
from grids.training.colorization_batches import colorization


def train(*, sampling: dict[str, Any], **run: Any) -> None:
    """Trains VGG19 to give grey photographs their colours.

    Args: see `grids.training.restorer.train`.
    """
    descriptor_network.train(
        "vgg",
        Colorizer,
        partial(colorization, **sampling),
        {"task": "colorization", "sampling": sampling},
        **run,
    )
