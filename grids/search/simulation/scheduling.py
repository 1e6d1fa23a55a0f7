"""How long a search takes on a number of GPUs, counted in trainings.

All trainings take equally long, the baselines (every single and the mix of all) are trained first,
and a round begins when all groups of the one before it are verified: so does the workflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Schedule:
    """A search on a cluster.

    Attributes:
        wall: from the first training to the solution, in units of a training on one GPU.
        trainings: baselines included.
        utilisation: share of the GPUs' time in which they train, 0 … 1.
    """

    wall: float
    trainings: int
    utilisation: float


def schedule(
    n: int,
    rounds: Sequence[int],
    gpus: int,
    gpus_per_training: int = 1,
    efficiency: float = 1.0,
    verification: float = 0.0,
) -> Schedule:
    """Schedules the trainings of a search.

    Args:
        n: degradations.
        rounds: number of groups that each round asks for.
        gpus: GPUs of the cluster that the search may use at once.
        gpus_per_training: GPUs that share each training; at most `gpus`.
        efficiency: speed-up of a training on several GPUs, divided by their number, 0 … 1.
        verification: time between the last training of a round and the next plan, in units of a
            training: verification, planning and waiting in the queue.

    Raises:
        ValueError: a training needs more GPUs than there are.
    """
    if gpus_per_training > gpus:
        raise ValueError(f"a training on {gpus_per_training} GPUs, but there are {gpus}")
    side_by_side = gpus // gpus_per_training
    length = 1 / (gpus_per_training * efficiency) if gpus_per_training > 1 else 1.0
    counts = [n + 1, *rounds]
    wall = sum(ceil(count / side_by_side) * length + verification for count in counts)
    busy = sum(counts) * length * gpus_per_training
    return Schedule(wall, sum(counts), busy / (wall * gpus))
