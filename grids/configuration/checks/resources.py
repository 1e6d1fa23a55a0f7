"""What jobs ask for on a cluster."""

from grids.base.errors import InputError
from grids.configuration.settings import Settings


def check(settings: Settings) -> None:
    processes, train = settings.execution.processes, settings.resources.train
    if train.gpus > 1 and processes not in (1, train.gpus):
        raise InputError(
            f"execution.processes: {processes}, but resources.train.gpus is {train.gpus}: a "
            "training has one process a GPU; leave one of the two out"
        )
    if settings.processes() % train.nodes:
        raise InputError(
            f"resources.train.nodes: {train.nodes} nodes cannot share {settings.processes()} "
            "processes (execution.processes, resources.train.gpus) equally"
        )
    for kind in settings.resources.kinds():
        asked = settings.resources.requests(kind, 1)
        if "gpu" in asked and str(asked.get("gres", "")).startswith("gpu"):
            raise InputError(
                f"resources.{kind}.gpus: {asked['gpu']}, but gres is {asked['gres']}: leave one "
                "of the two out"
            )
