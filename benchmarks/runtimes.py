"""How fast runtimes restore, against torch in fp32 and bf16 on the same cores in one run.

python benchmarks/runtimes.py [--networks NAME …] [--side 512] [--repeats 3] [--photograph W H]

Megapixels per second of processor time with one thread, of the packaged models and of networks with
random weights. Then, with a photograph, the time of `grids restore` from the command to the file,
and how much of it is not the network.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from PIL import Image

from grids.base.errors import InputError
from grids.bundle import contents, graphs
from grids.models import restorers, weights
from grids.models.tiling import Forward
from grids.restoring import runtime
from grids.selection.decision import MIX

CASES = (
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("onnx", "fp32"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
)
PACKAGED = "packaged"
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "srresnet-32x8": ("srresnet", {"features": 32, "blocks": 8}),
    "srresnet-64x16": ("srresnet", {"features": 64, "blocks": 16}),
    "restormer": ("restormer", {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=[PACKAGED, *NETWORKS], default=[PACKAGED])
    parser.add_argument("--side", type=int, default=512, help="of the image in pixels")
    parser.add_argument("--repeats", type=int, default=3, help="of which the fastest counts")
    parser.add_argument("--photograph", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    best = {}
    for name in options.networks:
        print(f"== {name}")
        with export(name) as bundle:
            best[name] = compared(bundle, options.side, options.repeats)
    if options.photograph and PACKAGED in best:
        width, height = options.photograph
        spent = command(width, height)
        network = width * height / 1e6 / best[PACKAGED]
        print(f"command to file: {spent:.1f} s, {1 - network / spent:.0%} of it not the network")


@contextmanager
def export(name: str) -> Iterator[contents.Bundle]:
    """The packaged models, or one network with random weights."""
    packaged = contents.read(contents.BOX)
    if name == PACKAGED:
        yield packaged
        return
    backbone, sizes = NETWORKS[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "random.safetensors")
        weights.save(file, restorers.build(backbone, sizes), {})
        drawn = graphs.made(
            Path(folder, "export"), backbone=backbone, sizes=sizes, models={MIX: file}
        )
        yield replace(
            packaged, backbone=backbone, sizes=sizes, mix=file, groups=(MIX,), graphs=drawn
        )


def compared(bundle: contents.Bundle, side: int, repeats: int) -> float:
    """Prints the rate of each runtime; returns that of the fastest."""
    image = np.random.default_rng(0).random((1, 3, side, side), dtype=np.float32)
    rates: dict[tuple[str, str], float] = {}
    without = "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for case in CASES:
        if case == ("torch", "bf16") and without:
            # Twenty times as slow as fp32, and for Restormer as many minutes.
            print("torch     bf16  this CPU has no instructions for bf16")
            continue
        try:
            forward = runtime.choose(case[0], bundle, "cpu", case[1]).network(MIX)
        except InputError as error:
            print(f"{case[0]:9} {case[1]}  {error}")
            continue
        rates[case] = side**2 / 1e6 / fastest(forward, image, repeats)
        ratios = (
            f"×{rates[case] / rates[of]:.2f} {' '.join(of)}" for of in CASES[:2] if of in rates
        )
        print(f"{case[0]:9} {case[1]}  {rates[case]:.3f} megapixels/s  {', '.join(ratios)}")
    return max(rates.values())


def fastest(forward: Forward, image: np.ndarray, repeats: int) -> float:
    """Seconds of processor time of the fastest pass; two before it compile and warm up."""
    spent = []
    for _ in range(repeats + 2):
        start = time.process_time()
        forward(image)
        spent.append(time.process_time() - start)
    return min(spent[2:])


def command(width: int, height: int) -> float:
    """Seconds of processor time of `grids restore` on a photograph of noise."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "noise.png")
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(source, compress_level=1)
        arguments = ["restore", str(source), "-o", str(Path(folder, "out")), "--force"]
        before = os.times()
        subprocess.run([sys.executable, "-m", "grids.cli", *arguments], check=True)
        after = os.times()
    children = (after.children_user, after.children_system)
    return sum(children) - before.children_user - before.children_system


if __name__ == "__main__":
    main()
