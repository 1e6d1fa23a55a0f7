"""Drops of groups told by linearized losses around the mix of all, before anything else is trained.

    python benchmarks/linearized.py FOLDER benchmarks/drops/nafnet.parquet

After Li et al., 2024 ("Scalable Multitask Learning Using Gradient-based Estimation of Task
Affinity", Grad-TAG). Near the mix's weights the loss of a crop is taken as linear in what is added
to them, w: ℓ + g·w, with the gradient g. The model of a group is the w that fits the losses of its
crops to 0, by ridge regression; a single-task model that of its crops alone. The predicted drop is
the ratio, in dB, of what both leave of the losses of other crops.

Of a gradient a count sketch is kept: each weight's slope is added, with a random sign, to one of
SIZE numbers, which keeps products of two gradients but for noise. The ridge is the one that leaves
the least of single-task losses: no drop that was measured has a say.

FOLDER holds the training photographs. The network, the mix and the degradations are those of
`config/table2.yaml`. The table gets the column `linearized_db`. About a minute of one core.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from snakemake.utils import update_config

from grids.base import randomness
from grids.configuration import files, loading
from grids.images import reading, sets
from grids.models import restorers, weights
from grids.training.losses import l1
from grids.training.restoration_batches import restoration

ROOT = Path(__file__).resolve().parents[1]
BACKBONE = "nafnet"
SIZE = 512
CROPS = 96
RIDGES = 10.0 ** np.arange(-5, 2)

Floats = NDArray[np.float64]
# Of each degradation the losses, shape (CROPS,), and sketches of their gradients, (CROPS, SIZE).
Samples = dict[str, tuple[Floats, Floats]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="of crops and sketches")
    options = parser.parse_args()
    torch.set_num_threads(1)
    photographs = [reading.read(path) for path in sets.find(str(options.photographs))]
    samples = sampled(photographs, options.seed)
    singles = {
        ridge: {name: left(samples, [name], ridge)[name] for name in samples} for ridge in RIDGES
    }
    ridge = min(RIDGES, key=lambda one: sum(np.log(list(singles[one].values()))))
    kept = np.mean([singles[ridge][name] / rms(samples[name][0]) for name in samples])
    print(f"ridge {ridge:g}: single-task models leave {kept:.2f} of the losses")
    table = pd.read_parquet(options.table)
    groups = {name: left(samples, name.split("+"), ridge) for name in table["group"].unique()}
    table["linearized_db"] = [
        20 * np.log10(groups[group][name] / singles[ridge][name])
        for group, name in table[["group", "degradation"]].values
    ]
    table.to_parquet(options.table, index=False)


def sampled(photographs: Sequence[np.ndarray], seed: int) -> Samples:
    """Losses at the mix's weights and sketches of their gradients, on the same crops for all."""
    config = files.read(ROOT / "config" / "config.yaml")
    update_config(config, files.read(ROOT / "config" / "table2.yaml"))
    settings = loading.load(config | {"images": {}})
    network = restorers.build(settings.network(BACKBONE), settings.sizes(BACKBONE))
    weights.load(network, ROOT / settings.training.start)
    learning = list(network.train().parameters())
    random = torch.Generator().manual_seed(randomness.key(seed, "sketch"))
    count = sum(weight.numel() for weight in learning)
    place = torch.randint(SIZE, (count,), generator=random)
    sign = torch.randint(2, (count,), generator=random).mul_(2).sub_(1).float()
    samples = {}
    for name in settings.searched():
        batches = restoration(
            photographs,
            {name: settings.parameters(name, "training")},
            patch=settings.training.patch,
            weights={name: 1.0},
            seed=randomness.key(seed, "linearized"),
            device=torch.device("cpu"),
        )
        losses, sketches = [], []
        for source, target in zip(*batches(0, range(CROPS)), strict=True):
            loss = l1(network, source[None], target[None])
            slopes = torch.autograd.grad(loss, learning)
            slope = torch.cat([part.flatten() for part in slopes])
            losses.append(loss.item())
            sketches.append(torch.zeros(SIZE).index_add_(0, place, sign * slope).numpy())
        samples[name] = np.array(losses), np.array(sketches, dtype=np.float64)
    return samples


def left(samples: Samples, group: Sequence[str], ridge: float) -> dict[str, float]:
    """Root mean square of what the model of a group leaves of each member's losses.

    Half of the crops are fitted, and what is left is that of the other half; then the other way
    round.
    """
    rest = {name: np.empty(CROPS) for name in group}
    even = np.arange(CROPS) % 2 == 0
    for fitted in (even, ~even):
        losses = np.concatenate([samples[name][0][fitted] for name in group])
        sketches = np.concatenate([samples[name][1][fitted] for name in group])
        # The ridge is one on the mean over crops, which all groups have as much of.
        products = sketches @ sketches.T + ridge * len(losses) * np.eye(len(losses))
        added = -sketches.T @ np.linalg.solve(products, losses)
        for name in group:
            own, slopes = samples[name]
            rest[name][~fitted] = own[~fitted] + slopes[~fitted] @ added
    return {name: rms(losses) for name, losses in rest.items()}


def rms(losses: Floats) -> float:
    return float(np.sqrt(np.square(losses).mean()))


if __name__ == "__main__":
    main()
