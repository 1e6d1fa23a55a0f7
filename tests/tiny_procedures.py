"""A tiny training by each procedure, so that tests hold all of them to the same."""

from typing import Any, NamedTuple

import torch

from grids.models import restorers
from grids.training.procedure import Procedure, Task, build


class Tiny(NamedTuple):
    backbone: str
    sizes: dict[str, Any]
    options: dict[str, Any]


SRRESNET = {"features": 8, "blocks": 1, "strided": False}
TINY = {
    "l1": Tiny("srresnet", SRRESNET, {}),
    # Half of its steps are of the second phase.
    "realesrgan": Tiny("srresnet", SRRESNET, {"l1_share": 0.5, "features": 4}),
}


def built(name: str, iterations: int) -> Procedure:
    """The procedure with its network, as `grids.training.restorer.train` builds them."""
    tiny = TINY[name]
    torch.manual_seed(0)
    network = restorers.build(tiny.backbone, tiny.sizes)
    return build(name, network, Task(iterations, lambda line: None), tiny.options)
