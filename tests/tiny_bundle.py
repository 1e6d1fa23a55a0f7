"""A small real export for tests: untrained networks, a rule fitted to embedded photographs."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from photograph_files import scene
from PIL import Image

from grids.bundle import contents
from grids.cli import main
from grids.degrading import parameters
from grids.descriptors import srresnet
from grids.images import reading, sets
from grids.models import restorers, tiles, weights
from grids.selection import trial
from grids.selection.fitting import fit
from grids.selection.fitting.views import damaged
from grids.selection.torch_describer import describer as torch_describer

GROUPS = (("jpeg",), ("gaussian_noise", "poisson_noise"))
SIZES = {"features": 4, "blocks": 1, "strided": False}
DESCRIBING = {"layer": "hr", "count": 6, "law": 6, "components": 3, "clip": 5.0}


def write(folder: Path) -> Path:
    """Writes the export of two groups into `folder / "bundle"`, new or empty."""
    for name, content in _files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "bundle"


@functools.cache
def _files() -> dict[str, bytes]:
    """The files of the export by their places: to fit a rule takes seconds, so once a process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bundle = _made(folder)
        files = [path for path in bundle.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _made(folder: Path) -> Path:
    torch.manual_seed(0)
    descriptor = folder / "descriptor.safetensors"
    weights.save(descriptor, srresnet.network(4, 2, False), {})
    models = {"+".join(group): folder / f"{len(group)}.safetensors" for group in GROUPS}
    mix = folder / "mix.safetensors"
    for path in (*models.values(), mix):
        weights.save(path, restorers.build("srresnet", SIZES), {})
    describer = torch_describer(descriptor, torch.device("cpu"), "fp32", **DESCRIBING)
    network = restorers.read(mix, "srresnet", SIZES, torch.device("cpu"))
    seen = views(describer, tiles.of_arrays(network, torch.device("cpu")))
    rule = fit.calibrate(fit.predict(fit.fit(seen, GROUPS), seen), seen, GROUPS)
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


def adding(folder: Path, added: int) -> Path:
    """Writes the export with models that add a known number to every value (of 255)."""
    bundle = contents.read(write(folder))
    network = restorers.build(bundle.backbone, bundle.sizes)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.conv_last.bias.fill_(added / 255)
    weights.save(folder / "adding.safetensors", network, {})
    contents.write(
        folder / "adding",
        models=dict.fromkeys(bundle.groups, folder / "adding.safetensors"),
        mix=bundle.mix,
        backbone=bundle.backbone,
        sizes=bundle.sizes,
        descriptor=bundle.descriptor,
        describing=bundle.describing,
        selector=bundle.selector,
        card=bundle.card,
    )
    return folder / "adding"


def addable(path):
    """Writes a photograph of values that stay within their range when `adding` adds something."""
    Image.fromarray(scene(96, 128) // 2 + 40).save(path)
    return path


def restore(export, *arguments):
    """The status of `grids restore`."""
    return main(["restore", "--bundle", str(export), "--device", "cpu", *map(str, arguments)])


def degraded(pixels, name, key):
    """A photograph under a degradation at its fixed values."""
    values = parameters.resolve(parameters.specification(name), {}, "evaluation")
    return damaged(pixels, name, values, key)


def views(describer, model) -> pd.DataFrame:
    """Crops of the embedded photographs under each degradation; their gains are made up.

    One model is tried for all.
    """
    rows = []
    names = [name for group in GROUPS for name in group]
    for index, path in enumerate(sets.find("embedded")):
        pixels = reading.read(path)
        for left in (0, 100):
            crop = pixels[40:136, left : left + 96]
            shown = {name: degraded(crop, name, index + left) for name in names}
            # Of the group's model, and less of the mix.
            gains = np.array([5.0, 3.0]) + index / 10
            for name, view in {"clean": crop, **shown}.items():
                trials = np.stack([trial.tried(trial.window(view), model).numbers] * 2)
                own = {"degradation": name, "gains_db": gains, "trials": trials}
                whose = {"source": "", "photograph": index, "part": index % 4}
                rows.append(own | whose | vars(describer(view, law=True)))
    return pd.DataFrame(rows)
