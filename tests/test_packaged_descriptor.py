"""The descriptor that ships with the package: what it is, and that it does its work."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from grids.configuration import settings
from grids.descriptors import srresnet
from grids.images import reading, sets
from grids.models import weights
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.pixels.resampling import bicubic, bicubic_down


@pytest.fixture(scope="module")
def network():
    return srresnet.load(settings.PACKAGED)


def test_is_the_network_of_srga(network):
    assert sum(p.numel() for p in network.parameters()) == 1_517_571
    assert weights.about(settings.PACKAGED)["sizes"] == {
        "features": 64,
        "blocks": 16,
        "global_residual": False,
    }


def test_card_names_this_very_file():
    card = Path(settings.PACKAGED).with_suffix(".md").read_text(encoding="utf-8")
    digest = hashlib.sha256(settings.PACKAGED.read_bytes()).hexdigest()
    assert f"`{digest[:16]}`" in card


def test_enlarges_better_than_bicubic(network):
    gains = []
    for path in sets.find("embedded"):
        pixels = reading.read(path)[:240, :240]
        low = bicubic_down(to_tensor(pixels)[None], 4).clamp(0, 1).mul(255).round().div(255)
        with torch.inference_mode():
            learned = to_bytes(network(low))[0]
        plain = to_bytes(bicubic(low, (240, 240)))[0]
        gains.append(psnr(pixels, learned) - psnr(pixels, plain))
    assert np.mean(gains) > 0.5
