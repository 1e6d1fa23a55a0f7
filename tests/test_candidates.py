import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.search import candidates
from grids.search.candidates import best, rank, ranked_groups, rankings

matrices = st.builds(
    lambda n, seed, step: np.round(np.random.default_rng(seed).uniform(2, 5, (n, n)) / step) * step,
    st.integers(1, 7),
    st.integers(0, 10**6),
    st.sampled_from([0.5, 1e-6]),
)


def named(n):
    return [f"d{i:02d}" for i in range(n)]


def by_definition(distance, names, size, tolerance):
    rows = []
    for group in combinations(sorted(names), size):
        at = [names.index(name) for name in group]
        values = [(distance[i, j] + distance[j, i]) / 2 for i, j in combinations(at, 2)] or [0.0]
        mean = round(sum(values) / len(values), 9)
        variance = round(sum((v - sum(values) / len(values)) ** 2 for v in values) / len(values), 9)
        rows.append((math.floor(round(mean / tolerance, 9)), variance, mean, "+".join(group)))
    return sorted(rows)


@settings(deadline=None, max_examples=40)
@given(matrices, st.sampled_from([0.1, 0.5]))
def test_ranking_is_the_definition(distance, tolerance):
    names = named(len(distance))
    tables = rank(distance, names, tolerance)
    groups = ranked_groups(distance, names, tolerance)
    assert list(tables) == list(range(1, len(names) + 1))
    for size, table in tables.items():
        expected = by_definition(distance, names, size, tolerance)
        assert list(table["rank"]) == list(range(1, math.comb(len(names), size) + 1))
        assert ["+".join(group) for group in groups[size]] == list(table["group"])
        assert len(table) == len(expected)
        np.testing.assert_allclose(table["distance_mean"], [r[2] for r in expected], atol=2e-9)


@settings(deadline=None, max_examples=20)
@given(matrices, st.randoms())
def test_the_order_of_names_does_not_matter(distance, random):
    names = named(len(distance))
    order = list(range(len(names)))
    random.shuffle(order)
    turned = rank(distance[np.ix_(order, order)], [names[i] for i in order])
    for size, table in rank(distance, names).items():
        assert table.equals(turned[size])


@settings(deadline=None, max_examples=40)
@given(matrices, st.integers(1, 40))
def test_best_is_the_head_of_the_ranking(distance, count):
    names = named(len(distance))
    for size, table in rank(distance, names).items():
        found, limit = best(distance, names, size, count)
        assert limit == math.inf
        assert found.equals(table.head(count))


def test_best_of_sixteen():
    distance = np.random.default_rng(1).uniform(2, 5, (16, 16))
    tables = rank(distance, named(16))
    for size, table in tables.items():
        found, limit = best(distance, named(16), size, 30)
        assert limit == math.inf
        assert found.equals(table.head(30))


def test_too_narrow_a_search_says_up_to_where_it_is_complete():
    distance = np.random.default_rng(2).uniform(2, 5, (12, 12))
    table = rank(distance, named(12))[5]
    found, limit = best(distance, named(12), 5, 200, width=20)
    assert limit < math.inf
    below = set(table["group"][table["distance_mean"] < limit])
    assert below <= set(found["group"])


@pytest.mark.parametrize(
    ("distance", "names", "tolerance"),
    [
        (np.zeros((2, 3)), ["a", "b"], 0.1),
        (np.full((2, 2), np.nan), ["a", "b"], 0.1),
        (np.zeros((2, 2)), ["a", "a"], 0.1),
        (np.zeros((2, 2)), ["a", "b"], 0.0),
    ],
)
def test_bad_arguments(distance, names, tolerance):
    with pytest.raises(ValueError, match=r"distance|distinct|tolerance"):
        rank(distance, names, tolerance)


def test_rankings_of_many_are_the_heads_of_all(monkeypatch):
    distance = np.random.default_rng(3).uniform(2, 5, (7, 7))
    whole, limits = rankings(distance, named(7), 0.1)
    assert set(limits.values()) == {math.inf}
    monkeypatch.setattr(candidates, "COMPLETE", 6)
    monkeypatch.setattr(candidates, "HEAD", 4)
    heads, limits = rankings(distance, named(7), 0.1)
    assert set(limits.values()) == {math.inf}
    for size, table in rank(distance, named(7), 0.1).items():
        assert whole[size].equals(table)
        pd.testing.assert_frame_equal(heads[size], table.head(4))


@pytest.mark.parametrize(("wanted", "expected"), [(0.25, 0.25), ("uncertainty", 0.3)])
def test_tolerance_is_a_number_or_the_median_standard_error(wanted, expected):
    table = pd.DataFrame(
        {
            "source": ["a", "a", "b", "b"],
            "target": ["a", "b", "a", "b"],
            "distance_std": [0.0, 0.2, 0.4, 0.0],
        }
    )
    assert candidates.tolerance(table, wanted) == pytest.approx(expected)
