"""What views show: pictures as people have them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.base import randomness
from grids.degrading import chains, parameters
from grids.images import reading, sets
from grids.selection.fitting import pictures
from grids.selection.fitting.pictures import Shares
from grids.selection.fitting.views import views

NONE = dict.fromkeys(
    ["reduced", "compressed", "grey", "alike", "wide", "cropped", "drawn", "saved"], 0
)
PLAIN = Shares(**NONE)
PHOTOGRAPH = reading.read(sets.find("embedded")[0])[:300, :400]
DEGRADATIONS = ["gaussian_noise", "jpeg", "sr", "motion_blur", "salt_pepper_noise", "inpainting"]


def shown(name, shares, count=8, seed=0):
    values = {}
    if name != "clean":
        values = parameters.resolve(parameters.specification(name), {}, "training")
    return list(views([PHOTOGRAPH], ["a"], [""], name, values, shares, range(count), seed))


def kinds(shares, count=2000):
    return [pictures.drawn(shares, randomness.generator(key)) for key in range(count)]


def test_shares_are_kept_and_drawn_apart():
    shares = {"reduced": 0.5, "compressed": 0.25, "grey": 0.3, "alike": 0.8, "wide": 0.1}
    drawn = kinds(Shares(**(NONE | shares)))
    assert np.mean([kind.reduction > 1 for kind in drawn]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([kind.quality is not None for kind in drawn]) == pytest.approx(0.25, abs=0.04)
    grey = [kind for kind in drawn if kind.grey]
    assert len(grey) / len(drawn) == pytest.approx(0.3, abs=0.04)
    assert np.mean([kind.alike for kind in grey]) == pytest.approx(0.8, abs=0.06)
    assert np.mean([kind.reduction > 1 for kind in grey]) == pytest.approx(0.5, abs=0.08)
    assert {kind.quality for kind in drawn} == {None, *range(75, 96)}
    assert max(kind.reduction for kind in drawn) <= 4


def test_a_share_changes_no_view_that_it_does_not_take():
    few, more = (
        kinds(PLAIN, 50),
        kinds(Shares(**(NONE | {"grey": 0.5})), 50),
    )
    assert {(kind.reduction, kind.quality, kind.wide) for kind in more} == {(1.0, None, False)}
    plain = shown("gaussian_noise", PLAIN)
    grey = shown("gaussian_noise", Shares(**(NONE | {"grey": 0.5})))
    same = [np.array_equal(a.degraded, b.degraded) for a, b in zip(plain, grey, strict=True)]
    assert 0 < sum(same) < len(same)
    assert [kind.grey for kind in few] == [False] * 50


def test_grey_pictures_have_grey_or_coloured_noise():
    seen = set()
    for view in shown("gaussian_noise", Shares(**(NONE | {"grey": 1, "alike": 0.5})), 12):
        assert np.ptp(view.clean, axis=2).max() == 0
        noise = view.degraded.astype(int) - view.clean
        alike = np.ptp(noise, axis=2).max() == 0
        seen.add(bool(alike))
        # Of one channel it is as strong as that of three.
        assert 6 < noise[..., 0].std() < 60
        if not alike:
            assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.1
    assert seen == {True, False}


def test_sources_are_reduced_as_far_as_they_can_be_judged():
    for kind in kinds(Shares(**(NONE | {"reduced": 1, "compressed": 1})), 40):
        made = pictures.source(PHOTOGRAPH, kind)
        assert made.dtype == np.uint8
        assert min(made.shape[:2]) >= 64
        expected = max(64, 300 / min(kind.reduction, 300 / 64))
        assert made.shape[0] == pytest.approx(expected, abs=1)
        assert made.shape[1] == pytest.approx(400 * made.shape[0] / 300, abs=4)
    plain = pictures.drawn(PLAIN, randomness.generator(0))
    assert np.array_equal(pictures.source(PHOTOGRAPH, plain), PHOTOGRAPH)
    small = replace(plain, reduction=4.0, quality=75)
    assert min(pictures.source(PHOTOGRAPH[:70, :66], small).shape[:2]) == 64


def test_damaged_pictures_are_saved_with_whole_or_halved_colours():
    every = Shares(**(NONE | {"saved": 1}))
    kept = kinds(Shares(**(NONE | {"saved": 0.3})))
    assert np.mean([kind.saved is not None for kind in kept]) == pytest.approx(0.3, abs=0.04)
    qualities, samplings = zip(*(kind.saved for kind in kinds(every)), strict=True)
    assert {*qualities} == {*range(85, 99)}
    assert np.mean([sampling == pictures.HALVED for sampling in samplings]) == pytest.approx(
        0.5, abs=0.04
    )
    plain, made = shown("gaussian_noise", PLAIN, 12), shown("gaussian_noise", every, 12)
    together = []
    for one, other in zip(plain, made, strict=True):
        assert np.array_equal(one.clean, other.clean)
        blue, green = (other.degraded.astype(int) - one.clean)[..., [2, 1]].transpose(2, 0, 1)
        colour = blue - green
        # Four pixels share their colour where it is halved.
        together.append(np.corrcoef(colour[:, :-1:2].ravel(), colour[:, 1::2].ravel())[0, 1])
    assert min(together) < 0.2
    assert max(together) > 0.6


def test_undamaged_pictures_that_are_saved_have_nothing_to_be_restored():
    every = Shares(**(NONE | {"saved": 1}))
    for one, other in zip(shown("clean", PLAIN), shown("clean", every), strict=True):
        assert not np.array_equal(one.clean, other.clean)
        assert np.array_equal(other.clean, other.degraded)


def test_what_is_drawn_belongs_to_the_picture():
    drawn = kinds(Shares(**(NONE | {"drawn": 0.3})))
    assert np.mean([kind.drawn is not None for kind in drawn]) == pytest.approx(0.3, abs=0.04)
    every = Shares(**(NONE | {"drawn": 1}))
    plain, made = shown("jpeg", PLAIN, 12), shown("jpeg", every, 12)
    changed = [
        not np.array_equal(one.clean, other.clean) for one, other in zip(plain, made, strict=True)
    ]
    # A small part may lie beside all that is drawn.
    assert sum(changed) > 6
    for view in made:
        assert not np.array_equal(view.clean, view.degraded)


@given(st.sampled_from(DEGRADATIONS), st.integers(0, 2**32))
def test_wide_numbers_are_possible_and_at_most_twice_as_far(name, key):
    declared = parameters.specification(name)
    values = parameters.resolve(declared, {}, "training")
    drawn = pictures.wide(name, values, randomness.generator(key))
    # What a configuration may say is checked there; the same check holds here.
    assert parameters.resolve(declared, drawn, "training") == drawn
    for parameter, number in drawn.items():
        low, *_, high = np.repeat(values[parameter], 2)
        least, most = (low, high) if low < 0 else (low / 2 - 0.5, 2 * high + 0.5)
        assert least <= number <= most


def test_directions_are_those_of_the_training():
    """The line of a motion blur begins at one end: reversed, the picture is shifted."""
    values = {"radius": 10, "sigma": 5.0, "angle": [-90.0, 90.0]}
    angles = [
        pictures.wide("motion_blur", values, randomness.generator(key))["angle"]
        for key in range(300)
    ]
    assert -90 <= min(angles) < -80
    assert 80 < max(angles) <= 90
    assert np.mean(np.array(angles) < 0) == pytest.approx(0.5, abs=0.1)


def test_steps_of_a_chain_are_widened_each():
    step = {"degradation": "jpeg", "probability": 0.5, "values": {"quality": [10, 40]}}
    chain = {"chain": [step, step], "order": "given"}
    drawn = pictures.wide("mine", chain, randomness.generator(3))
    qualities = [each["values"]["quality"] for each in drawn["chain"]]
    assert all(5 <= quality <= 80 for quality in qualities)
    assert qualities[0] != qualities[1]
    assert drawn["order"] == "given"
    assert [each["probability"] for each in drawn["chain"]] == [0.5, 0.5]


def test_mild_numbers_are_as_many_as_strong_ones():
    values = {"sigma": [10.0, 50.0]}
    drawn = [
        pictures.wide("gaussian_noise", values, randomness.generator(key))["sigma"]
        for key in range(1000)
    ]
    middle = np.sqrt(5 * 100)
    assert np.mean(np.array(drawn) < middle) == pytest.approx(0.5, abs=0.05)
    assert min(drawn) < 6
    assert max(drawn) > 80


def test_two_degradations_of_a_view_are_drawn_apart():
    """The variances of noise add up; of twice the same noise the deviations would."""
    grey = np.full((128, 128, 3), 128, np.uint8)
    sigma = 10.0
    values = chains.any_two({"gaussian_noise": {"sigma": sigma}})
    for view in views([grey], ["a"], [""], "two", values, PLAIN, range(3), 0):
        noise = view.degraded.astype(float) - view.clean
        assert noise.std() == pytest.approx(sigma * np.sqrt(2), rel=0.05)
    widened = Shares(**(NONE | {"wide": 1}))
    spread = [
        (view.degraded.astype(float) - view.clean).std()
        for view in views([grey], ["a"], [""], "two", values, widened, range(8), 0)
    ]
    assert np.ptp(spread) > sigma / 2


def test_undamaged_views_stay_as_they_are():
    every = Shares(**(NONE | {"reduced": 1, "compressed": 1, "grey": 1, "wide": 1}))
    for view in views([PHOTOGRAPH], ["a"], [""], "clean", {}, every, range(4), 0):
        assert np.array_equal(view.clean, view.degraded)


def test_all_steps_of_a_chain_are_widened():
    noise = {"degradation": "gaussian_noise", "probability": 1.0, "values": {"sigma": [10.0, 50.0]}}
    inner = {
        "degradation": "chain",
        "probability": 0.5,
        "values": {"chain": [noise], "order": "one"},
    }
    values = {"chain": [noise, inner], "order": "given"}
    drawn = pictures.wide("camera", values, randomness.generator(3))
    first, second = drawn["chain"]
    sigmas = [first["values"]["sigma"], second["values"]["chain"][0]["values"]["sigma"]]
    assert all(5 <= sigma <= 100 for sigma in sigmas)
    assert sigmas[0] != sigmas[1]
    assert (drawn["order"], second["probability"]) == ("given", 0.5)
    assert values["chain"][0]["values"] == {"sigma": [10.0, 50.0]}


def test_blocks_of_cropped_pictures_begin_anywhere():
    every = Shares(**(NONE | {"cropped": 1}))
    whole, cut = (shown("jpeg", shares) for shares in (PLAIN, every))
    corners = set()
    for one, other in zip(whole, cut, strict=True):
        top, left = np.subtract(one.clean.shape[:2], other.clean.shape[:2])
        assert np.array_equal(one.degraded[top:, left:], other.degraded)
        assert np.array_equal(one.clean[top:, left:], other.clean)
        corners |= {top, left}
    assert min(corners) >= 0
    assert 3 < len(corners) <= 8
