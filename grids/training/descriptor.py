"""The training of the SRResNet whose features describe degradations."""

from functools import partial
from typing import Any

from grids.descriptors import srresnet
from grids.training import descriptor_network
from grids.training.super_resolution_batches import super_resolution


def train(*, sizes: dict[str, Any], sampling: dict[str, Any], **run: Any) -> None:
    """Trains the ×4 super-resolver.

    Args: see `grids.training.restorer.train`.
    """
    descriptor_network.train(
        "descriptor",
        partial(srresnet.network, **sizes),
        partial(super_resolution, scale=srresnet.SCALE, **sampling),
        {"sizes": sizes, "sampling": sampling},
        **run,
    )
