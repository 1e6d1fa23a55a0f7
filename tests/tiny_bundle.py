"""A small real export for tests: untrained networks, a rule fitted to embedded photographs."""

from pathlib import Path

import pandas as pd
import torch

from grids import bundle, degrade, images, parameters, randomness, restorers, selection_fit, weights
from grids.arrays import to_bytes, to_tensor
from grids.descriptors import srresnet
from grids.image_statistics import Describer

GROUPS = (("jpeg",), ("gaussian_noise", "poisson_noise"))
SIZES = {"features": 4, "blocks": 1, "strided": False}
DESCRIBING = {"layer": "hr", "count": 6, "components": 3, "clip": 5.0}


def write(folder: Path) -> Path:
    """Writes the export of two groups into `folder / "bundle"`."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    descriptor = folder / "descriptor.safetensors"
    weights.save(descriptor, srresnet.network(4, 2, False), {})
    models = {"+".join(group): folder / f"{len(group)}.safetensors" for group in GROUPS}
    for path in models.values():
        weights.save(path, restorers.build("srresnet", SIZES), {})
    describer = Describer(descriptor, torch.device("cpu"), "fp32", **DESCRIBING)
    rule = selection_fit.fit(views(describer), GROUPS)
    bundle.write(
        folder / "bundle",
        models=models,
        backbone="srresnet",
        sizes=SIZES,
        descriptor=descriptor,
        describing=DESCRIBING,
        selector=rule.arrays(),
        card="# A card\n",
    )
    return folder / "bundle"


def degraded(pixels, name, key):
    """A photograph under a degradation at its fixed values; `clean` leaves it."""
    if name == "clean":
        return pixels
    values = parameters.resolve(parameters.specification(name), {}, "evaluation")
    return to_bytes(degrade.degrade(name, to_tensor(pixels)[None], values, [key]))[0]


def views(describer: Describer) -> pd.DataFrame:
    """Crops of the embedded photographs under each degradation; their gains are made up."""
    rows = []
    for number, path in enumerate(images.find("embedded")):
        pixels = images.read(path)
        for name in ("clean", *sorted(name for group in GROUPS for name in group)):
            for left in (0, 100):
                crop = degraded(
                    pixels[40:136, left : left + 96], name, randomness.key(0, name, number, left)
                )
                row = {"degradation": name, "gain_db": float(number), **vars(describer(crop))}
                rows.append(row)
    return pd.DataFrame(rows)
