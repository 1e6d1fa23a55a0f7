from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.search.partition import by_program, by_subsets, fewest, minimum_partition


def every_partition(names):
    if not names:
        yield ()
        return
    first, rest = names[0], names[1:]
    for size in range(len(names)):
        for others in combinations(rest, size):
            left = tuple(name for name in rest if name not in others)
            for partition in every_partition(left):
                yield ((first, *others), *partition)


@st.composite
def cases(draw):
    names = tuple("abcdef"[: draw(st.integers(1, 6))])
    every = [g for size in range(1, len(names) + 1) for g in combinations(names, size)]
    chosen = draw(st.lists(st.sampled_from(every), unique=True))
    costs = draw(st.lists(st.integers(-20, 20), min_size=len(chosen), max_size=len(chosen)))
    return names, {group: cost / 10 for group, cost in zip(chosen, costs, strict=True)}


@settings(deadline=None, max_examples=150)
@given(cases(), st.sampled_from([np.inf, 1.0, 0.0]))
def test_both_ways_agree_with_every_partition(case, budget):
    names, cost = case
    values = [
        (len(partition), sum(cost[group] for group in partition))
        for partition in every_partition(names)
        if all(group in cost for group in partition)
    ]
    values = [value for value in values if value[1] <= budget + 1e-6]
    for solve in (by_subsets, by_program):
        if not values:
            with pytest.raises(ValueError, match="no choice"):
                solve(names, cost, budget)
            continue
        found = solve(names, cost, budget)
        assert sorted(name for group in found for name in group) == list(names)
        count, total = min(values)
        assert (len(found), sum(cost[group] for group in found)) == (count, pytest.approx(total))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_both_ways_agree_on_eleven(seed):
    random = np.random.default_rng(seed)
    names = tuple("abcdefghijk")
    cost = {
        group: float(random.normal())
        for size in range(1, 12)
        for group in combinations(names, size)
        if size == 1 or random.uniform() < 0.05
    }
    first, second = by_subsets(names, cost), by_program(names, cost)
    assert len(first) == len(second)
    assert sum(map(cost.get, first)) == pytest.approx(sum(map(cost.get, second)))


@settings(deadline=None, max_examples=50)
@given(cases())
def test_fewest_of_every_set(case):
    names, cost = case
    numbers = {sum(1 << names.index(name) for name in group) for group in cost}
    least = fewest(len(names), sorted(numbers))
    for number in range(1, 1 << len(names)):
        inside = tuple(name for i, name in enumerate(names) if number >> i & 1)
        counts = [len(p) for p in every_partition(inside) if all(g in cost for g in p)]
        assert least[number] == min(counts, default=np.inf)


def test_many_names():
    names = [f"d{i:02d}" for i in range(30)]
    cost = {tuple(names[i : i + 3]): 0.1 for i in range(28)} | {(name,): 0.0 for name in names}
    assert len(minimum_partition(names, cost)) == 10
