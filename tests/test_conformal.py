"""Intervals from weighted errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.selection import conformal


def test_with_equal_weights_they_are_quantiles_of_split_conformal_prediction():
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))[:, None]
    low, high = conformal.interval(errors, np.ones((1, 99)), 0.9)
    # Of 99 errors the 5th and the 95th: a further one lies outside of either in 5 of 100 cases.
    assert (low.item(), high.item()) == (5, 95)


@given(st.integers(1, 60), st.floats(0.1, 0.98))
def test_there_is_one_where_the_weights_are_enough_and_not_before(count, coverage):
    errors = np.linspace(-1, 1, count)[:, None]
    for weight in (0.99, 1.01):
        each = np.full((1, count), weight * conformal.enough(coverage) / count)
        low, high = conformal.interval(errors, each, coverage)
        assert np.isfinite([low, high]).all() == (weight > 1)


def test_only_what_is_near_counts():
    places = np.array([[0.0]] * 40 + [[100.0]] * 40)
    errors = np.concatenate([np.linspace(-1, 1, 40), np.linspace(-9, 9, 40)])[:, None]
    weights = conformal.likeness(np.array([[0.0], [100.0], [50.0]]), places, 2.0)
    low, high = conformal.interval(errors, weights, 0.9)
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
    low, high = conformal.interval(errors, conformal.likeness(points, places, 0.5), 0.9)
    within = (low <= fresh) & (fresh <= high)
    for left in (0, 3, 7):
        here = (points >= left) & (points < left + 3)
        assert within[here].mean() == pytest.approx(0.9, abs=0.04)


def test_the_reach_is_the_least_that_gives_enough_of_them_an_interval():
    places = np.random.default_rng(2).normal(size=(200, 3))
    reach = conformal.reach(places, 0.9, 0.95)
    for factor, met in ((1.002, True), (0.99, False)):
        seen = conformal.likeness(places, places, factor * reach).sum(axis=1) - 1
        assert ((seen >= 19).mean() >= 0.95) == met


def test_distances_are_euclidean():
    points, places = np.random.default_rng(3).normal(size=(2, 5, 4))
    expected = [[np.sum((a - b) ** 2) for b in places] for a in points]
    np.testing.assert_allclose(conformal.squared_distances(points, places), expected)


def of_two_sources(generator, shift, alike=0.0, photographs=(36, 12)):
    """Errors of photographs with ten views each; those of the second source are shifted.

    Returns:
        Errors (N, 1), weights that are all 1, sources and photographs.
    """
    whose = np.repeat(np.arange(sum(photographs)), 10)
    sources = (whose >= photographs[0]).astype(int)
    own = generator.normal(size=sum(photographs))[whose]
    noise = np.sqrt(1 - alike) * generator.normal(size=len(whose)) + np.sqrt(alike) * own
    errors = (noise + shift * sources)[:, None]
    return errors, np.ones((len(whose), len(whose))), sources, whose


def outside(errors, sources, photographs, level):
    """Share of the second source's errors outside the quantiles of other photographs'.

    Beside it its standard error, over photographs of ten views each.
    """
    missed = []
    for own, photograph in zip(errors[:, 0], photographs, strict=True):
        others = np.sort(errors[photographs != photograph, 0])
        # One more counts, whose error is unknown.
        place = int(np.ceil((1 + level) / 2 * (1 + len(others)) - 1e-9)) - 1
        missed.append(not others[len(others) - 1 - place] <= own <= others[place])
    of_each = np.reshape(np.array(missed)[sources == 1], (-1, 10)).mean(axis=1)
    return of_each.mean(), of_each.std(ddof=1) / np.sqrt(len(of_each))


@pytest.mark.parametrize(("shift", "alike"), [(1.2, 0.0), (2.5, 0.6)])
def test_the_level_is_the_least_that_holds_for_each_source_but_for_chance(shift, alike):
    errors, weights, sources, photographs = of_two_sources(np.random.default_rng(5), shift, alike)
    level = conformal.level(errors, weights, sources, photographs, 0.9)
    assert 0.9 < level < 0.98
    for each, holds in ((level, True), (level - 0.01, False)):
        share, error = outside(errors, sources, photographs, each)
        assert (share - error <= 0.1) == holds


def test_sources_that_are_alike_raise_no_level_by_chance_to_speak_of():
    levels = []
    for seed in range(20):
        given = of_two_sources(np.random.default_rng(seed), 0.0, 0.3, (20, 20))
        levels.append(conformal.level(*given, 0.9))
    assert np.mean(levels) < 0.912


def test_views_are_judged_by_those_of_other_photographs():
    errors, weights, sources, photographs = of_two_sources(np.random.default_rng(5), 2.5, 0.6)
    level = conformal.level(errors, weights, sources, photographs, 0.9)
    same = photographs[:, None] == photographs
    for own in (0.0, 30.0):
        other = np.where(same, own, weights)
        assert conformal.level(errors, other, sources, photographs, 0.9) == level > 0.9


def test_there_is_an_end_where_too_few_would_have_an_interval():
    errors, weights, sources, photographs = of_two_sources(np.random.default_rng(6), 9.0)
    # Those of the second source see none of their own, so that no level holds for them.
    weights[(sources[:, None] == 1) & (sources == 1)] = 0
    # The sum is 39.6: enough for 0.95, where (1 + c) / (1 − c) is 39, and not for 0.96.
    level = conformal.level(errors, 0.11 * weights, sources, photographs, 0.9)
    assert level == pytest.approx(0.95)
    assert conformal.level(errors, 0.001 * weights, sources, photographs, 0.9) == 0.9


def test_a_source_of_too_few_photographs_sets_no_level():
    for number, raised in ((2, False), (3, True)):
        given = of_two_sources(np.random.default_rng(6), 9.0, photographs=(36, number))
        assert (conformal.level(*given, 0.9) > 0.9) == raised


def test_views_without_an_interval_excuse_no_others():
    errors, weights, sources, photographs = of_two_sources(np.random.default_rng(5), 1.0)
    weights[(sources == 1) & (np.arange(len(sources)) % 2 == 0)] = 0
    assert conformal.level(errors, weights, sources, photographs, 0.9) > 0.9
