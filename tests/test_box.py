"""The models that ship with GRIDS: there, small, of use, and made by the shipped configuration."""

import json
import platform

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import ROOT

from grids import cli
from grids.base import randomness
from grids.bundle import contents
from grids.configuration import loading
from grids.degrading import operators
from grids.images import reading, sets
from grids.models import restorers, weights
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr

CPU = torch.device("cpu")
CONFIGURATION = yaml.safe_load((ROOT / "config" / "box.yaml").read_text(encoding="utf-8"))
MEGABYTES = 12


@pytest.fixture(scope="module")
def box():
    return contents.read(contents.BOX)


def test_it_is_small(box):
    files = [path for path in contents.BOX.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in [*files, box.descriptor]) < MEGABYTES * 2**20


def test_it_is_of_the_shipped_configuration(box):
    groups = {frozenset(group.split("+")) for group in box.groups}
    assert groups == {frozenset(group) for group in CONFIGURATION["search"]["groups"]}
    assert box.backbone == CONFIGURATION["search"]["backbone"]
    assert box.sizes == CONFIGURATION["backbones"][box.backbone]
    given = CONFIGURATION["degradations"]
    for path in (*box.models.values(), box.mix):
        for name, values in weights.about(path)["group"].items():
            assert values == values | given[name].get("training", {}), (path, name)


def test_groups_and_mix_had_equally_many_steps(box):
    paths = [*box.models.values(), box.mix]
    assert len({weights.about(path)["steps"] for path in paths}) == 1


# What a model must gain on the embedded photographs in dB, well below what it does.
LEAST = {
    "gaussian_noise": 6.0,
    "jpeg": 0.3,
}
