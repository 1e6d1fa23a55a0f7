"""How fast photographs are restored and in how much memory: in tiles against the whole image.

python benchmarks/inference.py [NETWORK ...] [--precision bf16] [--tiles 512 1024] [--size W H]

Networks (all by default): srresnet and restormer at the paper's sizes, srresnet-small at those of
the embedded default, and restormer-small and nafnet-small with about a million parameters. Each
case runs in a process of its own, for its peak of memory; rates and peaks are also given as ratios
to the whole image. Weights are random. On a CPU the seconds are those of the processor, which
others disturb less.
"""

import argparse
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from grids.backbones import nafnet, restormer, srresnet
from grids.models import tiles

NETWORKS = {
    "srresnet-small": (srresnet.build, {"features": 32, "blocks": 4}),
    "restormer-small": (restormer.build, {"dim": 16, "blocks": [1, 1, 1, 2], "refinement": 1}),
    "nafnet-small": (
        nafnet.build,
        {"encoder": [1, 1], "middle": 2, "decoder": [1, 1], "shuffle": 2},
    ),
    "srresnet": (srresnet.build, {}),
    "restormer": (restormer.build, {}),
}
STATUS = Path("/proc/self/status")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--precision", choices=tiles.PRECISIONS, default="fp32")
    parser.add_argument("--tiles", type=int, nargs="+", default=[512, 1024], metavar="PIXELS")
    parser.add_argument("--size", type=int, nargs=2, default=[2048, 1080], metavar=("W", "H"))
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (1)")
    options = parser.parse_args()
    if unknown := set(options.networks) - NETWORKS.keys():
        parser.error(f"unknown networks: {', '.join(sorted(unknown))}")
    width, height = options.size
    cuda = torch.cuda.is_available()
    processor = torch.cuda.get_device_name() if cuda else f"{platform.machine()} CPU"
    print(f"{width}×{height}, {options.precision}, {processor}, {options.threads} threads")
    print(
        f"{'network':16} {'tile':>6} {'megapixels/s':>13} {'ratio':>6} {'peak MiB':>9} {'ratio':>6}"
    )
    for name in options.networks or NETWORKS:
        reference = None
        for tile in [None, *options.tiles]:
            case = (name, tile or max(width, height), height, width, options)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                rate, peak = process.submit(measured, *case).result()
            reference = reference or (rate, peak)
            print(
                f"{name:16} {tile or 'whole':>6} {rate:13.4g} {rate / reference[0]:6.2f} "
                f"{peak / 2**20:9.0f} {peak / reference[1]:6.2f}",
                flush=True,
            )


def measured(
    name: str, tile: int, height: int, width: int, options: argparse.Namespace
) -> tuple[float, float]:
    """Megapixels per second and the bytes that restoring takes beside network and image."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    build, sizes = NETWORKS[name]
    network = build(**sizes).to(device, memory_format=torch.channels_last).eval()
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    tiler = tiles.Tiler(network, device, options.precision, tile)
    forward = tiles.of_arrays(network, device, options.precision)
    tiler.restore(forward, image[:256, :256])
    before = reset_peak(device)
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    start = clock()
    tiler.restore(forward, image)
    spent = clock() - start
    return height * width / 1e6 / spent, peak(device) - before


def reset_peak(device: torch.device) -> int:
    """Starts a new measurement of the peak; the bytes in use now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    Path("/proc/self/clear_refs").write_text("5")
    return in_status("VmRSS")


def peak(device: torch.device) -> int:
    cuda = device.type == "cuda"
    return torch.cuda.max_memory_allocated(device) if cuda else in_status("VmHWM")


def in_status(key: str) -> int:
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith(key))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    main()
