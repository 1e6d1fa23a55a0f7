"""A small real export for tests: untrained networks, a rule fitted to embedded photographs."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from grids.bundle import contents
from grids.degrading import parameters
from grids.descriptors import srresnet
from grids.images import reading, sets
from grids.models import restorers, weights
from grids.selection.describer import Describer
from grids.selection.fitting import fit
from grids.selection.fitting.views import damaged

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
    mix = folder / "mix.safetensors"
    for path in (*models.values(), mix):
        weights.save(path, restorers.build("srresnet", SIZES), {})
    describer = Describer(descriptor, torch.device("cpu"), "fp32", **DESCRIBING)
    seen = views(describer)
    rule = fit.calibrate(fit.predict(fit.fit(seen, GROUPS), seen, GROUPS), seen, GROUPS)
    contents.write(
        folder / "bundle",
        models=models,
        mix=mix,
        backbone="srresnet",
        sizes=SIZES,
        descriptor=descriptor,
        describing=DESCRIBING,
        selector=rule.arrays(),
        card="# A card\n",
    )
    return folder / "bundle"


def degraded(pixels, name, key):
    """A photograph under a degradation at its fixed values."""
    values = parameters.resolve(parameters.specification(name), {}, "evaluation")
    return damaged(pixels, name, values, key)


def views(describer: Describer) -> pd.DataFrame:
    """Crops of the embedded photographs under each degradation; their gains are made up."""
    rows = []
    names = [name for group in GROUPS for name in group]
    for index, path in enumerate(sets.find("embedded")):
        pixels = reading.read(path)
        for left in (0, 100):
            crop = pixels[40:136, left : left + 96]
            shown = {name: degraded(crop, name, index + left) for name in names}
            # Of each group's model, and less of the mix.
            gains = np.array([5.0, 5.0, 3.0]) + index / 10
            rows += [
                {"degradation": name, "gains_db": gains} | vars(describer(view, law=True))
                for name, view in {"clean": crop, **shown}.items()
            ]
    return pd.DataFrame(rows)
