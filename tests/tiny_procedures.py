"""A tiny training by each procedure, so that tests hold all of them to the same."""

from typing import Any, NamedTuple

import torch

from grids.base.plugins import constant_of
from grids.models import restorers
from grids.training.procedure import Procedure, Task, build


class Tiny(NamedTuple):
    backbone: str
    sizes: dict[str, Any]
    options: dict[str, Any]


SRRESNET = {"features": 8, "blocks": 1, "strided": False}
# Half of the steps are of the second phase, where there is one.
TINY = {
    "l1": Tiny("srresnet", SRRESNET, {}),
    # With 4 channels, its convolutions of stride 2 in channels_last memory crash torch on a CPU.
    "airnet": Tiny(
        "airnet",
        {"features": 8, "groups": 1, "blocks": 1},
        {"contrast_share": 0.5, "batches_remembered": 3},
    ),
    "amirnet": Tiny(
        "amirnet",
        {"width": 8, "encoder": [1], "middle": 1, "describing": 8, "levels": 3},
        {"growth_share": 0.25, "samples_clustered": 6},
    ),
    "idr": Tiny(
        "idr",
        {
            # Of two channels, a normalisation leaves nothing but signs.
            "dim": 4,
            "blocks": [1, 1, 1, 1],
            "refinement": 1,
            "heads": [1, 1, 1, 1],
            "keys": 3,
            "routes": [1, 2, 3],
        },
        {"first_share": 0.5, "tasks": {"gaussian_noise": 3, "jpeg": 2}},
    ),
    "psnr": Tiny("srresnet", SRRESNET, {}),
    "realesrgan": Tiny("srresnet", SRRESNET, {"l1_share": 0.5, "features": 4}),
}
# Those whose batches a process may work through in parts.
IN_PARTS = [name for name in TINY if not constant_of("training/procedures", name, "ONE_PART")]


def built(name: str, iterations: int) -> Procedure:
    """The procedure with its network, as `grids.training.restorer.train` builds them."""
    tiny = TINY[name]
    torch.manual_seed(0)
    network = restorers.build(tiny.backbone, tiny.sizes)
    task = Task(iterations, 2, lambda line: None, ["gaussian_noise", "jpeg"])
    return build(name, network, task, tiny.options)
