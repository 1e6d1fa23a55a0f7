"""Which steps are planned, and whether a gain is promised, by decisions as stated."""

import math

import numpy as np
import pytest

from grids.base.errors import InputError
from grids.selection import plan as planning
from grids.selection.decision import Decision
from grids.selection.statistics import Statistics

# What each model adds to every value, of 255.
ADDED = {"blur": 1, "noise": 10, "jpeg": 100, "mix": 50}
GROUPS = ("blur", "noise", "jpeg")
IMAGE = np.random.default_rng(0).integers(0, 50, (80, 70, 3), np.uint8)
SEEN = Statistics(np.zeros(3), 0.0, 0.6, 2.5)
PROMISED = (5.0, 4.0, 6.0)


def said(group, verdict="restore", model=None, sure=0.95, clean=0.0):
    gains = {group: PROMISED, "mix": PROMISED}
    scores = {group: sure, "clean": clean}
    return Decision(
        group, model or group, "discriminant", {}, scores, gains, "", {}, 1.0, verdict, ""
    )


@pytest.fixture
def plan(monkeypatch):
    """Plans by decisions that are stated for each look; tells pictures and margins of the looks."""

    def planned(*decisions, most=3, **options):
        looks, margins = [], []

        class Describer:
            def __call__(self, window):
                looks.append(window)
                if (window == window[0, 0]).all():
                    raise InputError("the same all over")
                return SEEN

        class Rule:
            def probabilities(self, vectors):
                scores = decisions[len(looks)].scores
                return np.array([[scores.get(name, 0.0) for name in GROUPS]])

            def classes(self, vectors):
                return np.array([[0.0, decisions[len(looks)].scores["clean"]]])

        def decide(rule, groups, seen, tried, name, min_gain_db, share_if_damaged):
            margins.append((min_gain_db, share_if_damaged))
            decision = decisions[len(looks)]
            tried(decision.model)
            return decision

        def network(name):
            return lambda images: images + np.float32(ADDED[name] / 255)

        monkeypatch.setattr(planning, "decide", decide)
        steps = planning.plan(
            IMAGE, SEEN, Describer(), Rule(), GROUPS, network, **options, most=most
        )
        return steps, looks, margins

    return planned


def names(steps):
    return [step.model for step in steps]


def test_each_step_is_for_what_those_before_have_left(plan):
    steps, looks, _ = plan(said("noise"), said("blur", model="mix"), said("jpeg"))
    assert names(steps) == ["noise", "mix", "jpeg"]
    # What is left by the last step is looked at no more.
    for look, added in zip(looks, (10, 60), strict=True):
        np.testing.assert_array_equal(look, IMAGE + np.uint8(added))


@pytest.mark.parametrize(
    ("second", "most", "looked", "tried"),
    [
        (said("noise"), 3, 1, 1),  # the same damage again
        (said("blur", verdict="leave"), 3, 1, 2),
        (said("blur", verdict="refuse"), 3, 1, 2),
        (said("blur", sure=0.85), 3, 1, 1),
        (said("blur", clean=0.01), 3, 1, 1),  # maybe nothing is left
        (said("blur"), 1, 0, 1),
    ],
)
def test_a_step_has_to_be_for_other_damage_that_is_sure_and_worth_it_and_allowed(
    plan, second, most, looked, tried
):
    steps, looks, margins = plan(said("noise"), second, most=most)
    assert names(steps) == ["noise"]
    assert steps[0].gains_db["noise"] == PROMISED
    # Models are tried where that may lead to a step.
    assert (len(looks), len(margins)) == (looked, tried)


@pytest.mark.parametrize("left", ["noise", "blur"])
def test_no_step_is_for_damage_or_by_a_model_that_was_there(plan, left):
    steps, _, _ = plan(said("noise", model="blur"), said(left))
    assert names(steps) == ["blur"]


@pytest.mark.parametrize("verdict", ["leave", "refuse"])
def test_what_is_not_restored_is_looked_at_once(plan, verdict):
    steps, looks, _ = plan(said("noise", verdict=verdict))
    assert names(steps) == ["noise"]
    assert not looks
    assert steps[0].gains_db["noise"] == PROMISED


@pytest.mark.parametrize(("asked", "further"), [(0.1, 1.5), (2.0, 2.0)])
def test_further_steps_have_a_margin_of_their_own(plan, asked, further):
    _, _, margins = plan(said("noise"), said("blur", verdict="leave"), min_gain_db=asked)
    # What a model left is no sure case, however damaged it looks.
    assert margins == [(asked, 0.6), (further, 0.8)]


def test_nothing_is_promised_of_several_steps(plan):
    steps, _, _ = plan(said("noise"), said("blur"), said("noise"))
    assert names(steps) == ["noise", "blur"]
    assert [step.interval_db for step in steps] == [None, None]
    for told in steps[0].gains_db.values():
        assert told == (5.0, -math.inf, math.inf)


def test_where_one_colour_is_left_there_is_nothing_more_to_do(plan, monkeypatch):
    monkeypatch.setitem(ADDED, "noise", 255)
    steps, looks, _ = plan(said("noise"))
    assert len(looks) == 1
    assert names(steps) == ["noise"]
    assert steps[0].gains_db["noise"] == PROMISED
