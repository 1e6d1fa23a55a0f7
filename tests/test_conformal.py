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


def of_two_sources(generator, shift):
    """Errors at one place, of 40 photographs with ten views each; the last four are shifted."""
    photographs = np.repeat(np.arange(40), 10)
    sources = (photographs >= 36).astype(int)
    errors = generator.normal(shift * sources, 1.0)[:, None]
    return errors, np.zeros((400, 1)), sources, photographs


def test_the_level_is_the_least_that_holds_for_each_source():
    generator = np.random.default_rng(5)
    errors, places, sources, photographs = of_two_sources(generator, 0.8)
    level, reach = conformal.level(errors, places, sources, photographs, 0.9, 0.95)
    assert 0.9 < level < 0.98
    assert reach == conformal.reach(places, level, 0.95)

    def held(level):
        """Share of each source within the quantiles of the errors of other photographs."""
        within = []
        for own, photograph in zip(errors[:, 0], photographs, strict=True):
            others = np.sort(errors[photographs != photograph, 0])
            # One more counts, whose error is unknown.
            place = int(np.ceil((1 + level) / 2 * (1 + len(others)) - 1e-9)) - 1
            within.append(others[len(others) - 1 - place] <= own <= others[place])
        return [np.mean(np.array(within)[sources == source]) for source in (0, 1)]

    assert min(held(level)) >= 0.9 > min(held(level - 0.01))


def test_the_level_is_the_coverage_where_it_holds_for_all_and_has_an_end():
    _, *others = of_two_sources(np.random.default_rng(6), 0.0)
    errors = np.tile(np.linspace(-1, 1, 10), 40)[:, None]
    assert conformal.level(errors, *others, 0.9, 0.95)[0] == 0.9
    errors, *others = of_two_sources(np.random.default_rng(6), 9.0)
    assert conformal.level(errors, *others, 0.9, 0.95)[0] == pytest.approx(0.98)


def test_a_source_of_too_few_sets_no_level():
    errors, places, sources, photographs = of_two_sources(np.random.default_rng(6), 9.0)
    few = np.r_[:378]
    given = (errors[few], places[few], sources[few], photographs[few])
    alone = [each[:360] for each in given]
    assert conformal.level(*given, 0.9, 0.95)[0] == conformal.level(*alone, 0.9, 0.95)[0] < 0.98
