"""Intervals from weighted errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.selection import conformal


def one_source(errors):
    """That all of them are of one source."""
    return np.zeros(len(errors), int)


def test_with_equal_weights_they_are_quantiles_of_split_conformal_prediction():
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))[:, None]
    low, high = conformal.interval(errors, np.ones((1, 99)), one_source(errors), 0.9)
    # Of 99 errors the 5th and the 95th: a further one lies outside of either in 5 of 100 cases.
    assert (low.item(), high.item()) == (5, 95)


@given(st.integers(1, 60), st.floats(0.1, 0.98))
def test_there_is_one_where_the_weights_are_enough_and_not_before(count, coverage):
    errors = np.linspace(-1, 1, count)[:, None]
    for weight in (0.99, 1.01):
        each = np.full((1, count), weight * conformal.enough(coverage) / count)
        low, high = conformal.interval(errors, each, one_source(errors), coverage)
        assert np.isfinite([low, high]).all() == (weight > 1)


def test_only_what_is_near_counts():
    places = np.array([[0.0]] * 40 + [[100.0]] * 40)
    errors = np.concatenate([np.linspace(-1, 1, 40), np.linspace(-9, 9, 40)])[:, None]
    weights = conformal.likeness(np.array([[0.0], [100.0], [50.0]]), places, 2.0)
    low, high = conformal.interval(errors, weights, one_source(errors), 0.9)
    assert -1 <= low[0, 0] < high[0, 0] <= 1
    assert 8 < high[1, 0] <= 9
    assert np.isinf([low[2, 0], high[2, 0]]).all()


def test_they_hold_where_errors_differ_from_place_to_place():
    generator = np.random.default_rng(1)

    def drawn(count):
        places = generator.uniform(0, 10, (count, 1))
        return places, (1 + places) * generator.normal(size=(count, 1))

    places, errors = drawn(2000)
    points, fresh = drawn(2000)
    weights = conformal.likeness(points, places, 0.5)
    low, high = conformal.interval(errors, weights, one_source(errors), 0.9)
    within = (low <= fresh) & (fresh <= high)
    for left in (0, 3, 7):
        here = (points >= left) & (points < left + 3)
        assert within[here].mean() == pytest.approx(0.9, abs=0.04)


def test_they_hold_for_each_source_and_not_for_all_together_alone():
    generator = np.random.default_rng(4)
    sources = np.repeat([0, 1], [900, 100])
    errors = generator.normal(np.where(sources, 2.0, 0.0), 1.0)[:, None]
    weights = np.ones((1, 1000))
    low, high = conformal.interval(errors, weights, sources, 0.9)
    apart = [
        conformal.interval(own, np.ones((1, len(own))), one_source(own), 0.9)
        for own in (errors[:900], errors[900:])
    ]
    assert low.item() == apart[0][0].item() < apart[1][0].item()
    assert high.item() == apart[1][1].item() > apart[0][1].item()
    assert conformal.reached(errors, weights, sources, 0.95).item() == low.item()
    fresh = generator.normal(2, 1, 4000)
    # By all together it is 0.70.
    assert ((low.item() <= fresh) & (fresh <= high.item())).mean() > 0.93


def test_a_source_with_too_few_says_nothing():
    errors = np.concatenate([np.linspace(-1, 1, 40), np.full(18, 9.0)])[:, None]
    sources = np.repeat([0, 1], [40, 18])
    low, high = conformal.interval(errors, np.ones((1, 58)), sources, 0.9)
    assert -1 <= low.item() < high.item() <= 1
    few = conformal.interval(errors[40:], np.ones((1, 18)), one_source(errors[40:]), 0.9)
    assert np.isinf(few).all()


def test_the_reach_is_the_least_that_gives_enough_of_them_an_interval():
    places = np.random.default_rng(2).normal(size=(200, 3))
    reach = conformal.reach(places, 0.9, 0.95)
    for factor, met in ((1.002, True), (0.99, False)):
        seen = conformal.likeness(places, places, factor * reach).sum(axis=1) - 1
        assert ((seen >= 19).mean() >= 0.95) == met


def test_each_place_may_reach_as_far_as_its_source():
    points, places = np.array([[0.0]]), np.array([[1.0], [1.0]])
    weights = conformal.likeness(points, places, np.array([1.0, 2.0]))
    np.testing.assert_allclose(weights, np.exp([[-1 / 2, -1 / 8]]))


def test_distances_are_euclidean():
    points, places = np.random.default_rng(3).normal(size=(2, 5, 4))
    expected = [[np.sum((a - b) ** 2) for b in places] for a in points]
    np.testing.assert_allclose(conformal.squared_distances(points, places), expected)
