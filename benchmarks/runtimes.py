"""How fast runtimes restore, against torch in fp32 and bf16 on the same cores in one run.

python benchmarks/runtimes.py [--networks NAME …] [--side 512] [--repeats 3] [--photograph W H]
    [--precision auto]

Megapixels per second of processor time with one thread, of the packaged models and of networks with
random weights. First, with a photograph, the time of `grids restore` from the command to the file
by OpenVINO, with as many threads as the environment says, and how much of it is not the network.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from grids.base.errors import InputError
from grids.bundle import contents, graphs
from grids.models import restorers, weights
from grids.restoring import runtime
from grids.restoring.runtimes.openvino import openvino
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


# The command, with a clock on what the network takes.
TIMED = """
import json, sys, time
from grids import cli
from grids.restoring.runtimes.openvino import openvino

spent = {}

def clock(owner, name):
    timed = getattr(owner, name)
    def call(*arguments, **options):
        start = time.perf_counter()
        try:
            return timed(*arguments, **options)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - start
    setattr(owner, name, call)

clock(openvino.Core, "read_model")
clock(openvino.Core, "compile_model")
clock(openvino.InferRequest, "infer")
status = cli.main(sys.argv[1:])
print(json.dumps(spent), file=sys.stderr)
sys.exit(status)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", choices=[PACKAGED, *NETWORKS], default=[PACKAGED])
    parser.add_argument("--side", type=int, default=512, help="of the image in pixels")
    parser.add_argument("--repeats", type=int, default=3, help="of which the fastest counts")
    parser.add_argument("--photograph", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"))
    parser.add_argument(
        "--precision", choices=("auto", "fp32", "bf16"), default="auto", help="of the photograph"
    )
    options = parser.parse_args()
    if options.photograph:
        for _ in range(options.repeats):
            print(command(*options.photograph, options.precision), flush=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in options.networks:
        print(f"== {name}")
        with export(name) as bundle:
            compare(bundle, options.side, options.repeats)


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


def compare(bundle: contents.Bundle, side: int, repeats: int) -> None:
    """Prints the rate of each runtime."""
    image = np.random.default_rng(0).random((1, 3, side, side), dtype=np.float32)
    rates: dict[tuple[str, str], float] = {}
    without = "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for case in CASES:
        if case == ("torch", "bf16") and without:
            # Twenty times as slow as fp32, and for Restormer as many minutes.
            print("torch     bf16  this CPU has no instructions for bf16")
            continue
        try:
            loaded = runtime.choose(case[0], bundle, "cpu", case[1])
        except InputError as error:
            print(f"{case[0]:9} {case[1]}  {error}")
            continue
        # Sides that are known, as those of tiles are.
        forward = loaded.network(MIX, (side, side))
        rates[case] = side**2 / 1e6 / fastest(forward, image, repeats)
        ratios = (
            f"×{rates[case] / rates[of]:.2f} {' '.join(of)}" for of in CASES[:2] if of in rates
        )
        print(f"{case[0]:9} {case[1]}  {rates[case]:.3f} megapixels/s  {', '.join(ratios)}")


def fastest(forward: Callable[[np.ndarray], object], image: np.ndarray, repeats: int) -> float:
    """Seconds of processor time of the fastest call; two before it compile and warm up."""
    spent = []
    for _ in range(repeats + 2):
        start = time.process_time()
        forward(image)
        spent.append(time.process_time() - start)
    return min(spent[2:])


def command(width: int, height: int, precision: str) -> str:
    """A line on how long `grids restore` took for a noisy photograph, and what of that the network.

    The clock on the wall, from the start of the process to its end. The network is what OpenVINO
    reads, compiles and infers, for the choice and for the photograph.
    """
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "photograph.jpg")
        coarse = generator.integers(0, 256, (height // 50, width // 50, 3), dtype=np.uint8)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        noise = generator.normal(0, 20, (height, width, 3))
        pixels = (np.asarray(smooth) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(source, quality=95)
        arguments = ["restore", str(source), "-o", str(Path(folder, "out")), "--force"]
        arguments += ["--precision", precision]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", TIMED, *arguments], check=True, capture_output=True, text=True
        )
        spent = time.perf_counter() - start
    network = json.loads(done.stderr.splitlines()[-1])
    parts = ", ".join(f"{kind} {seconds:.2f} s" for kind, seconds in network.items())
    others = 1 - sum(network.values()) / spent
    return f"command to file: {spent:.1f} s ({parts}), {others:.1%} of it not the network"


if __name__ == "__main__":
    main()
