"""How fast runtimes restore, against torch in fp32 and bf16 on the same cores in one run.

python benchmarks/runtimes.py [--side 512] [--repeats 3] [--photograph WIDTH HEIGHT]

Megapixels per second of processor time with one thread, the packaged models. Then, with a
photograph, the time of `grids restore` from the command to the file, and how much of it is not the
network.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from grids.base.errors import InputError
from grids.bundle import contents
from grids.models.tiling import Forward
from grids.restoring import runtime

CASES = (
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("onnx", "fp32"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=512, help="of the image in pixels")
    parser.add_argument("--repeats", type=int, default=3, help="of which the fastest counts")
    parser.add_argument("--photograph", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    bundle = contents.read(contents.BOX)
    shape = (1, 3, options.side, options.side)
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    rates: dict[tuple[str, str], float] = {}
    for case in CASES:
        try:
            forward = runtime.choose(case[0], bundle, "cpu", case[1]).network(bundle.groups[0])
        except InputError as error:
            print(f"{case[0]:9} {case[1]}  {error}")
            continue
        rates[case] = options.side**2 / 1e6 / fastest(forward, image, options.repeats)
        ratios = (
            f"×{rates[case] / rates[of]:.2f} {' '.join(of)}" for of in CASES[:2] if of in rates
        )
        print(f"{case[0]:9} {case[1]}  {rates[case]:.3f} megapixels/s  {', '.join(ratios)}")
    if options.photograph:
        width, height = options.photograph
        spent = command(width, height)
        network = width * height / 1e6 / max(rates.values())
        print(f"command to file: {spent:.1f} s, {1 - network / spent:.0%} of it not the network")


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
