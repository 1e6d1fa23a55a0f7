"""Which small network, and which recipe, restores best after equal CPU time: one row a variant.

python benchmarks/recipes.py networks|recipes --train FOLDER --test FOLDER [--seconds S]
    [--only NAME ...] [--seed N]

Every variant trains one network on Gaussian noise, Gaussian blur and JPEG together for S seconds of
CPU time of one thread, the making of its batches included, with the learning rate a function of the
share of the time that is gone. PSNR in dB on the middle 256 × 256 of each test photograph, beside
that of the input; speed on 512 × 512, one thread. Differences are to be read against those between
seeds.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from grids.base import randomness
from grids.degrading import operators, parameters
from grids.images import reading, sets
from grids.models import restorers
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.training.restoration_batches import restoration

TASKS = ("gaussian_blur", "gaussian_noise", "jpeg")
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "srresnet 32x8": ("srresnet", {"features": 32, "blocks": 8}),
    "nafnet 16 1-1-1/2/1-1-1": (
        "nafnet",
        {"width": 16, "encoder": [1, 1, 1], "middle": 2, "decoder": [1, 1, 1]},
    ),
    "nafnet 32 s2 1-1/2/1-1": (
        "nafnet",
        {"width": 32, "encoder": [1, 1], "middle": 2, "decoder": [1, 1], "shuffle": 2},
    ),
    "nafnet 32 s2 1-2/3/1-1": (
        "nafnet",
        {"width": 32, "encoder": [1, 2], "middle": 3, "decoder": [1, 1], "shuffle": 2},
    ),
    "nafnet 48 s2 1-2/3/1-1": (
        "nafnet",
        {"width": 48, "encoder": [1, 2], "middle": 3, "decoder": [1, 1], "shuffle": 2},
    ),
    "nafnet 32 s2 1-1-1/2/1-1-1": (
        "nafnet",
        {"width": 32, "encoder": [1, 1, 1], "middle": 2, "decoder": [1, 1, 1], "shuffle": 2},
    ),
}
CHOSEN = "nafnet 32 s2 1-1/2/1-1"


@dataclass(frozen=True)
class Recipe:
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.9)
    decay: float = 0.0
    loss: str = "l1"
    batch: int = 16
    patch: int = 64
    late_patch: int = 0
    """Side of the patches in the last quarter of the time, in proportionally smaller batches."""
    average: float = 0.0
    """Decay of the moving average of the weights that is evaluated; 0: the weights themselves."""
    muon: bool = False


BASE = Recipe()
RECIPES = {
    "as it is": BASE,
    "rate 5e-4": replace(BASE, rate=5e-4),
    "rate 2e-3": replace(BASE, rate=2e-3),
    "betas 0.9 0.999": replace(BASE, betas=(0.9, 0.999)),
    "weight decay 1e-2": replace(BASE, decay=1e-2),
    "charbonnier": replace(BASE, loss="charbonnier"),
    "psnr": replace(BASE, loss="psnr"),
    "batch 8": replace(BASE, batch=8),
    "batch 32": replace(BASE, batch=32),
    "patch 96 late": replace(BASE, late_patch=96),
    "average 0.999": replace(BASE, average=0.999),
    "muon": replace(BASE, muon=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("networks", "recipes"))
    parser.add_argument("--train", type=Path, required=True, nargs="+", help="folders")
    parser.add_argument("--test", type=Path, required=True, help="a folder")
    parser.add_argument("--seconds", type=float, default=400, help="CPU time of each (400)")
    parser.add_argument("--only", nargs="+", default=[], help="names of variants (all)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    photographs = [
        reading.read(path) for folder in arguments.train for path in sets.find(str(folder))
    ]
    test = [_middle(reading.read(path), 256) for path in sets.find(str(arguments.test))]
    cases = degraded(test)
    inputs = {name: mean_psnr(test, cases[name]) for name in TASKS}
    _row("", ["steps/s", "steps", "MP/s", *TASKS, "mean"])
    _row("input", ["", "", "", *inputs.values(), np.mean([*inputs.values()])])
    variants = {
        "networks": {name: (name, BASE) for name in NETWORKS},
        "recipes": {name: (CHOSEN, recipe) for name, recipe in RECIPES.items()},
    }[arguments.what]
    for name, (network_name, recipe) in variants.items():
        if arguments.only and name not in arguments.only:
            continue
        torch.manual_seed(randomness.key(arguments.seed, "weights"))
        network = restorers.build(*NETWORKS[network_name])
        network.to(memory_format=torch.channels_last)
        steps, network = train(network, photographs, recipe, arguments.seconds, arguments.seed)
        network.eval()
        with torch.inference_mode():
            found = {n: mean_psnr(test, [network(x) for x in cases[n]]) for n in TASKS}
        values = [*found.values(), np.mean([*found.values()])]
        _row(name, [steps / arguments.seconds, float(steps), speed(network), *values])


def train(
    network: nn.Module, photographs: list[np.ndarray], recipe: Recipe, seconds: float, seed: int
) -> tuple[int, nn.Module]:
    """The number of steps that fitted into the time, and the network to evaluate."""
    optimizers = _optimizers(network, recipe)
    average = None
    if recipe.average:
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
    loss_of = LOSSES[recipe.loss]
    began, step = time.process_time(), 0
    early = _batches(photographs, recipe.patch, recipe.batch, seed)
    fewer = max(1, recipe.batch * recipe.patch**2 // max(1, recipe.late_patch) ** 2)
    late = _batches(photographs, recipe.late_patch or recipe.patch, fewer, seed + 1)
    while (gone := (time.process_time() - began) / seconds) < 1:
        source, target = next(late if recipe.late_patch and gone > 0.75 else early)
        warm = min(1.0, (step + 1) / 100)
        share = warm * (0.5 + 0.5 * math.cos(math.pi * gone))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
            optimizer.zero_grad()
        loss_of(network(source.contiguous(memory_format=torch.channels_last)), target).backward()
        _hand_over(optimizers)
        for optimizer in optimizers:
            optimizer.step()
        if average:
            average.update_parameters(network)
        step += 1
    return step, average or network


def _batches(
    photographs: list[np.ndarray], patch: int, batch: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    group = {
        name: parameters.resolve(parameters.specification(name), {}, "training") for name in TASKS
    }
    weights = dict.fromkeys(TASKS, 1.0)
    made = restoration(
        photographs, group, patch=patch, weights=weights, seed=seed, device=torch.device("cpu")
    )
    step = 0
    while True:
        yield made(step, range(batch))
        step += 1


def _optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    matrices: list[nn.Parameter] = []
    others = []
    for parameter in network.parameters():
        if recipe.muon and parameter.ndim == 4 and parameter.shape[2:] == (1, 1):
            # The same memory as a matrix, which is what Muon takes.
            matrix = nn.Parameter(parameter.data.view(parameter.shape[:2]))
            matrix.of = parameter  # type: ignore[attr-defined]
            matrices.append(matrix)
        else:
            others.append(parameter)
    adam = torch.optim.AdamW(
        others, lr=recipe.rate, betas=recipe.betas, weight_decay=recipe.decay, fused=True
    )
    optimizers: list[torch.optim.Optimizer] = [adam]
    if matrices:
        optimizers.append(
            torch.optim.Muon(
                matrices, lr=recipe.rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
            )
        )
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = recipe.rate
    return optimizers


def _hand_over(optimizers: list[torch.optim.Optimizer]) -> None:
    """Gradients of the matrices are those of the convolutions whose memory they share."""
    for optimizer in optimizers[1:]:
        for group in optimizer.param_groups:
            for matrix in group["params"]:
                matrix.grad = matrix.of.grad.view(matrix.shape)
                matrix.of.grad = None


def _charbonnier(output: Tensor, target: Tensor) -> Tensor:
    return ((output - target).square() + 1e-6).sqrt().mean()


def _psnr_loss(output: Tensor, target: Tensor) -> Tensor:
    """10 log10 of each image's squared error, as NAFNet was trained (without its factor)."""
    return 10 * ((output - target).square().mean((1, 2, 3)) + 1e-8).log10().mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": F.l1_loss,
    "charbonnier": _charbonnier,
    "psnr": _psnr_loss,
}


def degraded(test: list[np.ndarray]) -> dict[str, list[Tensor]]:
    cases = {}
    for name in TASKS:
        values = parameters.resolve(parameters.specification(name), {}, "evaluation")
        cases[name] = [
            operators.degrade(name, to_tensor(clean)[None], values, [randomness.key(0, name, i)])
            for i, clean in enumerate(test)
        ]
    return cases


def mean_psnr(test: list[np.ndarray], images: list[Tensor]) -> float:
    pairs = zip(test, images, strict=True)
    return float(np.mean([psnr(clean, to_bytes(image)[0]) for clean, image in pairs]))


def speed(network: nn.Module) -> float:
    """Megapixels a second, the fastest of five."""
    image, times = torch.rand(1, 3, 512, 512), []
    image = image.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in range(5):
            began = time.perf_counter()
            network(image)
            times.append(time.perf_counter() - began)
    return 512**2 / 1e6 / min(times)


def _middle(photograph: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in photograph.shape[:2])
    return photograph[top : top + side, left : left + side]


def _row(name: str, values: list[Any]) -> None:
    shown = [f"{v:14.2f}" if isinstance(v, float) else f"{v:>14}" for v in values]
    print(f"{name:28}{''.join(shown)}", flush=True)


if __name__ == "__main__":
    main()
