"""What products in bfloat16 cost: PSNR by OpenVINO in bf16, less that in fp32.

python benchmarks/precision.py FOLDER [--bundle FOLDER] [--images N]

For each degradation at the values of `evaluation` in config/box.yaml, of the model of its group and
of the mix of all, by graphs for any sides: the mean and the least difference in dB over the
photographs, and in brackets the least PSNR between the two results and the largest difference of a
value of 255. On a CPU without instructions for bf16 it says so and ends.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import yaml

from grids.base import randomness
from grids.bundle import contents
from grids.degrading import operators, parameters
from grids.images import reading, sets
from grids.models import tiling
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.restoring import runtime
from grids.selection.decision import MIX

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="undamaged photographs, as Kodak24")
    parser.add_argument("--bundle", type=Path, default=contents.BOX)
    parser.add_argument("--images", type=int, default=24, help="the first so many (24)")
    arguments = parser.parse_args()
    paths = sets.find(str(arguments.folder))[: arguments.images]
    photographs = [reading.read(path) for path in paths]
    bundle = contents.read(arguments.bundle)
    by_precision = [
        runtime.choose("openvino", bundle, "cpu", precision) for precision in ("fp32", "bf16")
    ]
    configuration = yaml.safe_load((ROOT / "config" / "box.yaml").read_text(encoding="utf-8"))
    for name, entry in configuration["degradations"].items():
        (group,) = (group for group in bundle.groups if name in group.split("+"))
        given = entry.get("evaluation", {})
        values = parameters.resolve(parameters.specification(name), given, "evaluation")
        damaged = []
        for number, clean in enumerate(photographs):
            key = randomness.key(0, name, number)
            damaged.append(operators.degrade(name, to_tensor(clean)[None], values, [key]))
        told = []
        for model in (group, MIX):
            networks = [loaded.network(model) for loaded in by_precision]
            single, half = ([restored(network, image) for image in damaged] for network in networks)
            told.append(compared(photographs, single, half))
        print(f"{name:18} group {told[0]}  mix {told[1]}", flush=True)


def restored(network: tiling.Forward, damaged: torch.Tensor) -> np.ndarray:
    """From and to 8 bits."""
    given = to_tensor(to_bytes(damaged)[0])[None].numpy()
    return to_bytes(torch.from_numpy(network(given)))[0]


def compared(
    photographs: list[np.ndarray], single: list[np.ndarray], half: list[np.ndarray]
) -> str:
    """Of results in fp32 and in bf16, (height, width, 3) uint8 as the photographs."""
    results = list(zip(photographs, single, half, strict=True))
    changes = [psnr(clean, other) - psnr(clean, one) for clean, one, other in results]
    apart = min(psnr(one, other) for _, one, other in results)
    most = max(np.abs(one.astype(int) - other).max() for _, one, other in results)
    return f"{np.mean(changes):+.3f} ({min(changes):+.2f}) dB ({apart:.1f} dB, {most})"


if __name__ == "__main__":
    main()
