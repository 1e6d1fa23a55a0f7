"""What restoring adds, with networks whose output is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from grids.images.store import Pairs
from grids.selection.fitting import gains, real, steps
from grids.selection.fitting.cases import Case
from grids.selection.fitting.pictures import Shares
from grids.selection.fitting.views import sources_of, turns, views

PLAIN = Shares(reduced=0, compressed=0, grey=0, alike=0, wide=0, cropped=0, drawn=0, saved=0)
CPU = torch.device("cpu")
PHOTOGRAPHS = [np.random.default_rng(n).integers(0, 256, (140, 150, 3), np.uint8) for n in (0, 1)]


class Add(torch.nn.Module):
    """Adds a number of grey levels."""

    def __init__(self, levels):
        super().__init__()
        self.levels = levels

    def forward(self, images):
        return images + self.levels / 255


def test_gain_is_the_difference_of_psnr():
    clean = np.full((64, 64, 3), 100, np.uint8)
    # 10 levels too dark, made 2 too dark: the error falls by a factor of 5.
    gain = gains.gain_db(Add(8), clean, clean - 10, CPU, "fp32")
    assert gain == pytest.approx(20 * np.log10(5))
    assert gains.gain_db(Add(-10), clean, clean - 10, CPU, "fp32") == pytest.approx(
        -20 * np.log10(2)
    )


def test_what_nobody_sees_is_no_gain_and_damage_to_the_undamaged_is_a_loss():
    clean = np.full((64, 64, 3), 100, np.uint8)
    assert gains.gain_db(Add(0), clean, clean, CPU, "fp32") == 0
    assert gains.gain_db(Add(1), clean, clean - 1, CPU, "fp32") == 0
    # 45 dB at most, and an error of 10 levels.
    expected = 20 * np.log10(255 / 10) - 45
    assert gains.gain_db(Add(10), clean, clean, CPU, "fp32") == pytest.approx(expected)


def test_each_view_is_restored_by_its_groups_model_and_the_mix():
    table = pd.DataFrame(
        {
            "degradation": ["jpeg", "jpeg", "clean"],
            "number": [0, 3, 1],
            "likeliest": [1, 0, 0],
        },
        index=[5, 6, 7],
    )
    done = []
    measured = gains.with_gains(
        table,
        [Add(0), Add(20), Add(40)],
        PHOTOGRAPHS,
        ["a", "b"],
        ["", ""],
        {"jpeg": {"quality": 10}},
        PLAIN,
        0,
        CPU,
        "fp32",
        done.append,
    )
    assert done == [1, 2, 3]
    by_view = np.stack(measured["gains_db"])
    assert (by_view[1:, 0] == 0).all()
    assert by_view[0, 1] < by_view[0, 0] < -0.1
    assert (by_view[:, 1] < -1).all()
    # How much each changes, by a logarithm of its energy; at 255 there is no more to add.
    changes = np.stack(measured["trials"])[..., 0]
    assert np.log10(0.02) == pytest.approx(changes[1:, 0])
    assert 2.3 < changes[0, 0] < np.log10(401)
    assert (changes[:, 1] > 2.9).all()
    assert by_view[2, 1] < by_view[0, 1], "the undamaged has more to lose"


def test_views_depend_on_their_number_alone():
    arguments = (
        PHOTOGRAPHS,
        ["a", "b"],
        ["", ""],
        "gaussian_noise",
        {"sigma": [10.0, 50.0]},
        PLAIN,
    )
    all_of_them = list(views(*arguments, range(4), 0))
    (alone,) = views(*arguments, [3], 0)
    assert alone.photograph == 1
    np.testing.assert_array_equal(alone.degraded, all_of_them[3].degraded)
    assert not np.array_equal(all_of_them[1].clean, all_of_them[3].clean)
    assert all(min(view.clean.shape[:2]) >= 96 for view in all_of_them)
    (other,) = views(*arguments, [3], 1)
    assert other.clean.shape != alone.clean.shape or (other.clean != alone.clean).any()


def test_a_source_is_the_first_folder_within_the_set():
    assert sources_of(["a.png", "b/c.png", "b/d/e.png", "f/a.png"]) == ["", "b", "b", "f"]


def test_photographs_of_a_source_take_turns():
    assert turns(["a"] * 3, 5) == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)]


def test_a_source_counts_by_the_root_of_its_number():
    order = turns(["b", *["a"] * 16, *["b"] * 3], 600)
    of_b = [(photograph, turn) for photograph, turn in order if photograph in (0, 17, 18, 19)]
    assert len(of_b) == 200
    assert sorted(of_b) == [
        (photograph, turn) for photograph in (0, 17, 18, 19) for turn in range(50)
    ]
    # At any time, so that the first views are no others than all.
    for count in range(0, 600, 30):
        shown = sum(photograph in (0, 17, 18, 19) for photograph, _ in order[:count])
        assert abs(shown - count / 3) <= 1


def test_small_sources_do_not_come_last_and_together():
    sources = [
        name for name, number in zip("abcde", (400, 9, 9, 9, 9), strict=True) for _ in range(number)
    ]
    order = turns(sources, 64)
    # The roots are 20 and 3, four times: of 32 views 20 and 12.
    for half in (order[:32], order[32:]):
        assert sum(photograph >= 400 for photograph, _ in half) == 12
    first = [sources[photograph] for photograph, _ in order[:12]]
    assert set("bcde") < set(first)
    assert first.count("a") >= 6


def test_views_of_real_pairs_are_cut_at_one_place_and_have_their_gains():
    dark = [photograph // 2 for photograph in PHOTOGRAPHS]
    pairs = Pairs(["a", "b"], dark, PHOTOGRAPHS)
    for view in real.views(pairs, range(4), 0):
        assert view.photograph == view.number % 2
        np.testing.assert_array_equal(view.degraded, view.clean // 2)
    table = pd.DataFrame({"degradation": ["phone"], "number": [3], "likeliest": [0]})
    measured = gains.with_gains(
        table, [Add(60), Add(0)], [], [], [], {}, PLAIN, 0, CPU, "fp32", pairs={"phone": pairs}
    )
    (view,) = real.views(pairs, [3], 0)
    expected = gains.gain_db(Add(60), view.clean, view.degraded, CPU, "fp32")
    assert expected > 1
    assert measured["gains_db"][0] == pytest.approx([expected, 0])


def test_real_pairs_are_judged_as_they_are():
    pairs = Pairs(["a"], [np.zeros((300, 400, 3), np.uint8)], [np.ones((300, 400, 3), np.uint8)])
    ((name, made),) = real.cases(pairs, "phone")
    whole, crop = made
    assert (name, whole.kind, crop.kind) == ("a", "real", "real_crop")
    assert whole.degraded.shape == (300, 400, 3)
    assert crop.degraded.shape == crop.clean.shape == (256, 256, 3)


def test_steps_gain_one_after_the_other_and_nothing_where_a_case_is_left(monkeypatch):
    clean = np.full((64, 64, 3), 100, np.uint8)
    case = Case("mixed", "a+b", "{}", clean, clean - 12)
    networks = {"a": Add(4), "b": Add(6), "mix": Add(11)}
    said = {}

    def decided(picture, seen, describer, rule, groups, network, *, most):
        assert (groups, most) == (("a", "b"), 3)
        return [
            SimpleNamespace(model=name, verdict=said["verdict"], interval_db=said["interval"])
            for name in said["models"]
        ]

    monkeypatch.setattr(steps, "plan", decided)
    taken = steps.Steps(lambda picture: None, None, networks, CPU)
    said |= {"models": ["a", "b"], "verdict": "restore", "interval": None}
    # From 12 levels too dark to 8, and to 2; the mix leaves one.
    told = taken.of(case)
    assert told["steps_db"] == pytest.approx([20 * np.log10(12 / 8), 20 * np.log10(12 / 2)])
    # Nobody sees more than 45 dB.
    assert told["mix_db"] == pytest.approx(45 - 20 * np.log10(255 / 12))
    assert (told["low_db"], told["high_db"]) == (None, None)
    said |= {"models": ["b"], "interval": (1.0, 5.0)}
    table = taken.table([("one", [case, replace(case, kind="crop")])], ["mixed"])
    assert table[["photograph", "kind", "low_db", "high_db"]].values.tolist() == [
        ["one", "mixed", 1.0, 5.0]
    ]
    said["verdict"] = "leave"
    assert taken.of(case)["steps_db"] == []
    assert taken.table([("one", [case])], ["real"]).empty
