"""The models that ship with GRIDS against what people would otherwise use, on the same 8-bit files.

python benchmarks/classics.py FOLDER [--bundle FOLDER] [--images N] [--only DEGRADATION ...]
    [--sigma S]

Mean PSNR in dB (RGB, whole images) of the damaged input, of the model of the true group, of the mix
of all, and of the classics: BM3D that is told the standard deviation and
OpenCV's non-local means for noise, a median for salt and pepper, Wiener and Richardson-Lucy with
the true kernel for blur, Telea with the true mask for inpainting. Values are those of `evaluation`
in config/box.yaml. Needs the packages bm3d and opencv-python-headless besides.
"""

import argparse
import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bm3d
import cv2
import numpy as np
import torch
import yaml
from scipy import ndimage
from skimage import restoration

from grids.base import randomness
from grids.bundle import contents
from grids.degrading import operators, parameters
from grids.images import reading, sets
from grids.models import restorers
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.selection.decision import MIX

CONFIGURATION = yaml.safe_load(
    (Path(__file__).parents[1] / "config" / "box.yaml").read_text(encoding="utf-8")
)
KERNEL = 31


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="undamaged photographs, as Kodak24")
    parser.add_argument("--bundle", type=Path, default=contents.BOX)
    parser.add_argument("--images", type=int, default=24, help="the first so many (24)")
    parser.add_argument("--only", nargs="+", default=[], metavar="DEGRADATION")
    parser.add_argument(
        "--sigma", type=float, help="of gaussian_noise, instead of the evaluation's"
    )
    arguments = parser.parse_args()
    photographs = [reading.read(path) for path in sets.find(str(arguments.folder))]
    photographs = photographs[: arguments.images]
    bundle = contents.read(arguments.bundle)
    for name, entry in CONFIGURATION["degradations"].items():
        if arguments.only and name not in arguments.only:
            continue
        (group,) = (group for group in bundle.groups if name in group.split("+"))
        compared = {"group": model(bundle, group), "mix": model(bundle, MIX)}
        given = entry.get("evaluation", {})
        if name == "gaussian_noise" and arguments.sigma:
            given = {"sigma": arguments.sigma}
        report(name, given, photographs, compared | CLASSICS.get(name, {}))


Restorer = Callable[[np.ndarray, np.ndarray, dict[str, Any]], np.ndarray]
"""(damaged, clean, drawn parameters) → restored; pixels are (height, width, 3) uint8."""


def report(
    name: str,
    given: dict[str, Any],
    photographs: list[np.ndarray],
    compared: dict[str, Restorer],
) -> None:
    values = parameters.resolve(parameters.specification(name), given, "evaluation")
    rows = {"input": [], **{label: [] for label in compared}}
    for number, clean in enumerate(photographs):
        key = randomness.key(0, name, number)
        damaged = to_bytes(operators.degrade(name, to_tensor(clean)[None], values, [key]))[0]
        drawn = operators.drawn(name, values, key)
        rows["input"].append(psnr(clean, damaged))
        for label, restore in compared.items():
            rows[label].append(psnr(clean, restore(damaged, clean, drawn)))
    means = "  ".join(f"{label} {np.mean(found):.2f}" for label, found in rows.items())
    error = np.std(np.subtract(rows["group"], rows["input"]), ddof=1) / math.sqrt(len(photographs))
    print(f"{name:18} {means}  (gain ± {error:.2f})", flush=True)


def model(bundle: contents.Bundle, name: str) -> Restorer:
    device = torch.device("cpu")
    network = restorers.read(bundle.weights(name), bundle.backbone, bundle.sizes, device)

    def restored(damaged: np.ndarray, clean: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
        return to_bytes(restorers.restore(network, to_tensor(damaged)[None], device))[0]

    return restored


def _bm3d(damaged: np.ndarray, clean: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    return _bytes(bm3d.bm3d_rgb(damaged / 255, drawn["sigma"] / 255))


def _non_local_means(damaged: np.ndarray, clean: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    """Its strength is the best of three: nobody knows it."""
    tried = [cv2.fastNlMeansDenoisingColored(damaged, None, h, h) for h in (10, 20, 40)]
    return max(tried, key=lambda image: psnr(clean, image))


def _median(damaged: np.ndarray, clean: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    return ndimage.median_filter(damaged, (3, 3, 1))


def _deconvolved(deconvolve: Callable[[np.ndarray, np.ndarray], np.ndarray], name: str) -> Restorer:
    def restored(damaged: np.ndarray, clean: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
        kernel = _kernel(name, drawn)
        wide = np.pad(damaged / 255, ((KERNEL, KERNEL), (KERNEL, KERNEL), (0, 0)), "reflect")
        channels = [deconvolve(wide[..., channel], kernel) for channel in range(3)]
        return _bytes(np.stack(channels, -1)[KERNEL:-KERNEL, KERNEL:-KERNEL])

    return restored


def _kernel(name: str, drawn: dict[str, Any]) -> np.ndarray:
    """What the operator makes of a single bright pixel."""
    impulse = torch.zeros(1, 3, 2 * KERNEL + 1, 2 * KERNEL + 1)
    impulse[..., KERNEL, KERNEL] = 1
    operator = importlib.import_module(f"grids.degradations.{name}").degrade
    kernel = operator(impulse, [drawn], [torch.Generator()])[0, 0].double().numpy()
    return kernel / kernel.sum()


def _wiener(channel: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return restoration.wiener(channel, kernel, 0.01, clip=False)


def _richardson_lucy(channel: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return restoration.richardson_lucy(channel, kernel, num_iter=20, filter_epsilon=1e-6)


def _telea(damaged: np.ndarray, clean: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    mask = (damaged != clean).any(-1).astype(np.uint8)
    return cv2.inpaint(damaged, mask, 3, cv2.INPAINT_TELEA)


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


BLURS = ("defocus_blur", "gaussian_blur", "motion_blur")
CLASSICS: dict[str, dict[str, Restorer]] = {
    "gaussian_noise": {"bm3d, told sigma": _bm3d, "non-local means": _non_local_means},
    "poisson_noise": {"non-local means": _non_local_means},
    "salt_pepper_noise": {"median 3x3": _median},
    "inpainting": {"telea, told the mask": _telea},
    **{
        name: {
            "wiener, told the kernel": _deconvolved(_wiener, name),
            "richardson-lucy, told the kernel": _deconvolved(_richardson_lucy, name),
        }
        for name in BLURS
    },
}

if __name__ == "__main__":
    main()
