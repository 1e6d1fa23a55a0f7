"""What choosing a model costs, against restoring the same photograph.

    python benchmarks/selection.py                      # a tile of 128×128
    python benchmarks/selection.py --tile 256 --device cuda --precision bf16

What a decision measures is timed on a photograph of 2 megapixels: its pixels, by which the default
chooses, and with its law, by which the paper's rule does. Restormer is timed on one tile, times the
number of tiles without overlap: a lower bound of the restoration, so the ratios are upper bounds.
Prints all three, and the ratio of the floating-point operations of law and restoration, which torch
counts and NumPy does not. Restormer has its published size; it is not trained, which does not
change its time.
"""

import argparse
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from grids.configuration.settings import PACKAGED
from grids.models import restorers
from grids.selection.torch_describer import describer as torch_describer

HEIGHT, WIDTH = 1152, 1728
DESCRIBING = {"layer": "hr", "count": 96, "law": 24, "components": 9, "clip": 5.0}


def seconds(action, device: torch.device, repeats: int) -> float:
    """Least of the repetitions, after one that warms up."""

    def once() -> float:
        start = time.perf_counter()
        action()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    once()
    return min(once() for _ in range(repeats))


def operations(action) -> int:
    with FlopCounterMode(display=False) as counter:
        action()
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tile", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    device = torch.device(options.device)
    describer = torch_describer(PACKAGED, device, options.precision, **DESCRIBING)
    network = restorers.build("restormer", {}).to(device, memory_format=torch.channels_last).eval()
    generator = np.random.default_rng(0)
    photograph = generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    tile = torch.rand(1, 3, options.tile, options.tile, device=device)
    tiles = HEIGHT * WIDTH / options.tile**2

    def by_pixels() -> None:
        describer(photograph)

    def by_law() -> None:
        describer(photograph, law=True)

    def restore() -> None:
        bf16 = options.precision == "bf16"
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            network(tile)

    restoring = seconds(restore, device, options.repeats) * tiles
    ratio = operations(by_law) / (operations(restore) * tiles)
    print(f"restoring {WIDTH}×{HEIGHT} pixels, {tiles:.1f} tiles  {restoring:8.2f} s")
    for name, choose in (("by its pixels", by_pixels), ("with its law", by_law)):
        choosing = seconds(choose, device, options.repeats)
        share = choosing / restoring
        print(f"choosing {name:<13} {choosing:8.3f} s  {share:.3%} of that")
    print(f"law / restoring, in floating-point operations  {ratio:.3%}")


if __name__ == "__main__":
    main()
