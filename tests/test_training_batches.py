import io
import itertools
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from grids.base.plugins import names_in
from grids.degrading import parameters
from grids.images.store import Pairs
from grids.pixels.arrays import to_bytes
from grids.training.batches import ahead, crop
from grids.training.procedure import DRAWN, Contents
from grids.training.restoration_batches import restoration
from grids.training.super_resolution_batches import super_resolution

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

CPU = torch.device("cpu")
NAMES = names_in("degradations")
GROUP = {n: parameters.resolve(parameters.specification(n), {}, "training") for n in NAMES}


@pytest.fixture(scope="module")
def photographs():
    generator = np.random.default_rng(0)
    sizes = [(60, 90), (80, 64), (48, 48)]
    return [generator.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def restorer(photographs, names=NAMES, weights=None, seed=0):
    return restoration(
        photographs,
        {name: GROUP[name] for name in names},
        patch=32,
        weights=weights or dict.fromkeys(names, 1.0),
        seed=seed,
        device=CPU,
    )


def descriptor(photographs):
    return super_resolution(photographs, 4, patch=8, seed=0, device=CPU)


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("make", [restorer, descriptor])
def test_a_sample_is_the_same_in_whatever_part_of_the_batch(photographs, make):
    batches = make(photographs)
    whole = batches(7, range(24))
    parts = [batches(7, range(first, first + 8)) for first in (0, 8, 16)]
    joined = [torch.cat(tensors) for tensors in zip(*parts, strict=True)]
    assert equal(whole, joined)
    assert not equal(whole, batches(8, range(24)))


@pytest.mark.parametrize("workers", [0, 1, 3, 9])
def test_batches_come_in_order_and_the_same_whatever_the_workers(photographs, workers):
    batches = restorer(photographs)
    parts = [range(2), range(2, 4)]
    made = list(ahead(batches, range(5, 10), parts, workers, CPU))
    assert len(made) == 5
    for step, pairs in enumerate(made, start=5):
        for part, pair in zip(parts, pairs, strict=True):
            assert equal(pair, batches(step, part))


def test_batches_are_made_while_the_first_is_in_use():
    second = threading.Event()

    def batches(step, samples):
        if step == 1:
            second.set()
        return torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)

    made = ahead(batches, range(100), [range(1)], 1, CPU)
    next(made)
    assert second.wait(timeout=300)
    made.close()


def test_batches_on_the_cpu_leave_the_gpus_of_the_machine_alone(photographs, monkeypatch):
    def wake(*arguments):
        raise AssertionError("CUDA is asked")

    for name in ("is_available", "current_device", "stream", "Stream"):
        monkeypatch.setattr(torch.cuda, name, wake)
    assert len(list(ahead(restorer(photographs), range(3), [range(1)], 1, CPU))) == 3


def test_a_worker_s_error_is_the_loop_s_and_ends_the_workers(photographs):
    def batches(step, samples):
        raise ZeroDivisionError(step)

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(ahead(batches, range(100), [range(1)], 2, CPU))
    assert threading.active_count() == before


def test_inputs_and_targets_are_8_bit_numbers_in_range(photographs):
    for make in (restorer, descriptor):
        for tensor in make(photographs)(0, range(16)):
            assert tensor.min() >= 0
            assert tensor.max() <= 1
            assert torch.allclose(tensor * 255, (tensor * 255).round(), atol=1e-4)


def test_crops_do_not_depend_on_the_group(photographs):
    one = restorer(photographs, ["jpeg"])(3, range(8))[1]
    other = restorer(photographs, ["sr", "haze", "r_l"])(3, range(8))[1]
    assert torch.equal(one, other)


def test_degradations_are_drawn_in_proportion_to_their_weights():
    # A grey image stays as it is under sr, becomes 0.5·0.5 + 0.9·0.5 under haze.
    grey = [np.full((40, 40, 3), 128, np.uint8)]
    group = {"haze": {"airlight": 0.9, "transmission": 0.5}, "sr": {"scale": 2}}
    batches = restoration(
        grey, group, patch=16, weights={"haze": 3.0, "sr": 1.0}, seed=0, device=CPU
    )
    hazy = [
        (degraded - clean).abs().amax((1, 2, 3)) > 0.1
        for degraded, clean in (batches(step, range(100)) for step in range(8))
    ]
    # 800 draws: the standard deviation of the share is 0.015.
    assert torch.cat(hazy).float().mean().item() == pytest.approx(0.75, abs=0.06)


def test_crops_reach_every_pixel_in_every_orientation():
    photograph = np.arange(3 * 4 * 3, dtype=np.uint8).reshape(3, 4, 3)
    generator = np.random.default_rng(0)
    crops = {crop([photograph], 3, generator).tobytes() for _ in range(200)}
    assert len(crops) == 2 * 8


def people(photographs, names=("gaussian_noise",), contents=DRAWN, **shares):
    return restoration(
        photographs,
        {name: GROUP[name] for name in names},
        patch=32,
        weights=dict.fromkeys(names, 1.0),
        seed=0,
        device=CPU,
        contents=contents,
        pictures={"grey": 0.0, "alike": 0.0, "saved": 0.0} | shares,
    )


def channels(images):
    return images[:, 0], images[:, 1], images[:, 2]


def test_grey_samples_have_grey_targets_and_where_asked_for_grey_damage(photographs):
    (plain, target), (coloured, grey) = (
        people(photographs, **shares)(3, range(16)) for shares in ({}, {"grey": 1.0})
    )
    red, green, blue = channels(target.double())
    luma = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]
    assert (grey - luma).abs().max() < 1 / 255
    # The noise is drawn as it was.
    noise = [source - clean for source, clean in ((plain, target), (coloured, grey))]
    inside = ((plain > 0) & (plain < 1) & (coloured > 0) & (coloured < 1)).all(1, keepdim=True)
    assert ((noise[0] - noise[1]).abs() * inside).max() < 1.1 / 255
    alike, same = people(photographs, grey=1.0, alike=1.0)(3, range(16))
    assert torch.equal(same, grey)
    for channel in channels(alike):
        assert torch.equal(channel, coloured[:, 0])


def test_saved_samples_are_jpeg_files_of_what_they_would_be(photographs):
    (plain, target), (saved, same) = (
        people(photographs, saved=share)(3, range(16)) for share in (0.0, 1.0)
    )
    assert torch.equal(target, same)
    qualities = set()
    for before, after in zip(to_bytes(plain), to_bytes(saved), strict=True):
        found = []
        for quality, sampling in itertools.product(range(75, 99), ("4:4:4", "4:2:0")):
            file = io.BytesIO()
            Image.fromarray(before).save(file, "jpeg", quality=quality, subsampling=sampling)
            if np.array_equal(np.asarray(Image.open(file)), after):
                found.append((quality, sampling))
        assert found
        qualities |= {*found}
    assert len({quality for quality, _ in qualities}) > 5
    assert {sampling for _, sampling in qualities} == {"4:4:4", "4:2:0"}


def test_shares_of_pictures_are_kept_whatever_the_part_of_the_batch(photographs):
    shares = {"grey": 0.5, "alike": 0.5, "saved": 0.25}
    batches = people(photographs, NAMES, **shares)
    whole = batches(0, range(400))
    assert equal([tensor[100:110] for tensor in whole], batches(0, range(100, 110)))
    plain = people(photographs, NAMES)(0, range(400))
    grey = np.array([torch.equal(crop[0], crop[1]) for crop in whole[1]])
    assert grey.mean() == pytest.approx(0.5, abs=0.08)
    # A coloured sample is as it was, or was saved.
    changed = np.array([not torch.equal(*crops) for crops in zip(plain[0], whole[0], strict=True)])
    assert changed[~grey].mean() == pytest.approx(0.25, abs=0.08)
    noise = people(photographs, **shares)(0, range(400))
    grey = [torch.equal(crop[0], crop[1]) for crop in noise[1]]
    alike = [torch.equal(crop[0], crop[1]) for crop in noise[0]]
    assert not any(same and not of_grey for same, of_grey in zip(alike, grey, strict=True))
    # Halved colours and rounding leave grey what is grey.
    assert sum(alike) / sum(grey) == pytest.approx(0.5, abs=0.1)


def test_real_pairs_are_pictures_of_people_too(photographs):
    pairs = {"gaussian_noise": Pairs("abc", photographs, photographs)}
    source, target = restoration(
        photographs,
        {"gaussian_noise": GROUP["gaussian_noise"]},
        patch=32,
        weights={"gaussian_noise": 1.0},
        seed=0,
        device=CPU,
        pairs=pairs,
        pictures={"grey": 1.0, "alike": 0.0, "saved": 0.0},
    )(0, range(4))
    assert torch.equal(source, target)
    assert torch.equal(target[:, 0], target[:, 2])


def test_a_second_crop_is_the_same_kind_of_picture(photographs):
    shares = {"contents": Contents(second=True), "grey": 0.5, "alike": 1.0}
    source, _, second = people(photographs, **shares)(0, range(16))
    grey = [torch.equal(crop[0], crop[1]) for crop in source]
    assert grey == [torch.equal(crop[0], crop[1]) for crop in second]
    assert {*grey} == {True, False}
    saved = people(photographs, **shares, saved=0.5)(0, range(16))
    changed = [not torch.equal(*crops) for crops in zip(second, saved[2], strict=True)]
    assert changed == [not torch.equal(*crops) for crops in zip(source, saved[0], strict=True)]
    assert {*changed} == {True, False}
