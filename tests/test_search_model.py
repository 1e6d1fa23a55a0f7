"""The model of the drops and the cost of plans against simulation and brute force."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.search.attempts import least_cost
from grids.search.drops import model
from grids.search.simulation.families import DELTA, linear


def every(n):
    inside = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    return inside[inside.sum(axis=1) > 1]


def simulated(similarity, inside, draws=40_000):
    """Drops of the members of one group, drawn as the model describes them, in units of δ."""
    random = np.random.default_rng(0)
    shared, own, pair, member, group, noise = model.STRENGTHS[0]
    n, size = len(inside), int(inside.sum())
    symmetric = (similarity.distance + similarity.distance.T) / 2
    pairs = symmetric[~np.eye(n, dtype=bool)]
    distance = (symmetric - pairs.mean()) / pairs.std()
    line = model.EXPECTED + shared * model.UNCERTAIN * random.normal(size=(draws, 4))
    both, one_way = random.normal(size=(2, draws, n, n)) / np.sqrt(2)
    both = np.triu(both, 1) + np.triu(both, 1).transpose(0, 2, 1)
    harm = pair * (both + one_way) + member * random.normal(size=(draws, 1, n))
    whole = group * random.normal(size=draws)
    drops = []
    for i in np.flatnonzero(inside):
        others = np.flatnonzero(inside & (np.arange(n) != i))
        features = [1, distance[i, others].mean(), distance[i, others].std(), size - 2]
        mine = line + own * model.UNCERTAIN * random.normal(size=(draws, 4))
        drop = mine @ features + harm[:, i, others].sum(axis=1) / np.sqrt(size - 1)
        drops.append(drop + whole + noise * random.normal(size=draws))
    return np.array(drops)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_chances_before_any_measurement_are_those_of_simulated_drops(size):
    similarity = linear(6, 0.9, 0.15, 4).similarity
    inside = np.zeros((1, 6), dtype=bool)
    inside[0, :size] = True
    predicted = model.fit(similarity, {}, DELTA).predict(inside)
    drops = simulated(similarity, inside[0])
    chances = (drops <= 1).mean(axis=1)
    assert math.exp(predicted.log_chance[0]) == pytest.approx(chances.prod(), abs=0.02)
    bound = model.fit(similarity, {}, DELTA).log_bound(inside)
    assert math.exp(bound[0]) == pytest.approx((drops.mean(axis=0) <= 1).mean(), abs=0.02)
    worst = np.argmin(chances)
    assert predicted.mean[0] == pytest.approx(DELTA * drops[worst].mean(), abs=0.02)
    assert predicted.std[0] == pytest.approx(DELTA * drops[worst].std(), rel=0.03)


def test_learns_what_it_is_shown_and_is_surest_there():
    instance = linear(6, 0.9, 0.0, 1)
    inside, names = every(6), instance.similarity.names
    groups = [tuple(n for n, is_in in zip(names, row, strict=True) if is_in) for row in inside]
    measured = {group: instance.of(group) for group in groups[::2]}
    predicted = model.fit(instance.similarity, measured, DELTA).predict(inside)
    worst = np.where(inside, instance.drops(inside), -np.inf).max(axis=1)
    assert np.abs(predicted.mean - worst)[1::2].mean() < 0.1
    before = model.fit(instance.similarity, {}, DELTA).predict(inside)
    assert (predicted.std < before.std).all()
    bound = model.fit(instance.similarity, measured, DELTA).log_bound(inside)
    assert (bound >= predicted.log_chance - 0.05).all()
    sure = np.abs(worst - DELTA) > 0.3
    assert ((predicted.log_chance > math.log(0.5)) == (worst <= DELTA))[sure].all()


@st.composite
def chances(draw):
    n = draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    chance = random.choice([0.0, 1.0, 0.5, 0.1, 0.9], size=1 << n) * random.uniform(size=1 << n)
    passed = random.uniform(size=1 << n) < 0.1
    singles = [1 << i for i in range(n)]
    passed[singles] = True
    chance[passed] = 0
    return chance, passed, draw(st.sampled_from([0.5, 4.0, 16.0]))


@settings(deadline=None, max_examples=100)
@given(chances())
def test_the_plan_of_least_expected_cost_is_that_of_brute_force(case):
    chance, passed, worth = case

    @cache
    def cost(whole):
        if not whole:
            return 0.0
        splits = [
            cost(part) + cost(whole ^ part) for part in range(1, whole) if part & whole == part
        ]
        split = min(splits, default=math.inf)
        if passed[whole]:
            return min(worth, split)
        if not chance[whole]:
            return split
        return min(split, 1 + chance[whole] * worth + (1 - chance[whole]) * split)

    plan = least_cost(chance, passed, worth)
    assert sum(plan) == len(chance) - 1
    assert all(a & b == 0 for i, a in enumerate(plan) for b in plan[:i])
    assert all(passed[part] or chance[part] for part in plan)
    assert sum(map(cost, plan)) == pytest.approx(cost(len(chance) - 1))
