"""The procedure `psnr`: its loss."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from grids.pixels.psnr import psnr
from grids.training.procedure import NETWORK, Task, build

# Well above the floor of 50 dB.
ERRORS = (8, 30, 90)


def loss_of(source, target, **options):
    procedure = build("psnr", nn.Identity(), Task(10, len(source), print), options)
    return float(procedure.phase(0).losses[NETWORK](procedure.network, source, target))


def as_tensors(images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def test_it_is_the_negative_psnr_of_each_patch_above_a_floor():
    random = np.random.default_rng(0)
    clean = [random.integers(100, 150, (24, 24, 3), dtype=np.uint8) for _ in ERRORS]
    degraded = [
        image + random.integers(-error, error + 1, image.shape).astype(np.uint8)
        for image, error in zip(clean, ERRORS, strict=True)
    ]
    measured = np.mean([psnr(one, other) for one, other in zip(clean, degraded, strict=True)])
    found = loss_of(as_tensors(degraded), as_tensors(clean), floor=1e-8)
    assert found == pytest.approx(80 - measured, abs=1e-3)


def test_it_is_none_of_what_is_restored_perfectly_and_no_more_than_the_whole_range():
    black, white = torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)
    assert loss_of(black, black) == 0
    procedure = build("psnr", nn.Identity(), Task(10, 2, print), {})
    highest = procedure.phase(0).highest_loss
    assert loss_of(black, white) == pytest.approx(highest) == pytest.approx(50, abs=1e-3)


def test_a_patch_counts_by_the_share_of_its_error_that_goes():
    """Its gradient: by as many dB per share of the error left, for a large error as for a small."""
    target = torch.zeros(2, 3, 8, 8)
    source = torch.stack([torch.full((3, 8, 8), 0.4), torch.full((3, 8, 8), 0.04)])
    source.requires_grad_(True)
    procedure = build("psnr", nn.Identity(), Task(10, 2, print), {"floor": 1e-9})
    procedure.phase(0).losses[NETWORK](procedure.network, source, target).backward()
    shares = (source.grad * source).sum((1, 2, 3))
    # Of the mean of two, 20 dB a factor of e in the amplitude.
    assert shares.tolist() == pytest.approx([10 / math.log(10)] * 2, rel=1e-4)
