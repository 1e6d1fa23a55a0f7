import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.search.contract import Requests, SearchSettings, Similarity
from grids.search.simulation.families import DELTA, FAMILIES, linear
from grids.search.simulation.searches import optimum, run
from grids.search.strategies import active, exhaustive


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(FAMILIES)),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.15, 1.0]),
    st.integers(0, 10**6),
    st.integers(1, 8),
    st.sampled_from([0.5, 4.0, 32.0, 1000.0]),
)
def test_ends_with_verified_groups(family, n, correlation, noise, seed, requests, worth):
    # `run` raises where a strategy breaks its contract.
    instance = FAMILIES[family](n, correlation, noise, seed)
    asked = SearchSettings(DELTA, requests, group_worth=worth)
    done = run(active.plan, instance.similarity, instance.of, asked)
    assert len(done.groups) >= len(optimum(instance, DELTA))
    assert done.trainings <= 2**n - n - 1


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_drops_far_from_delta(scale):
    instance = linear(7, 0.9, 0.15, 1)
    drops = lambda group: {name: scale * drop for name, drop in instance.of(group).items()}  # noqa: E731
    done = run(active.plan, instance.similarity, drops, SearchSettings(DELTA))
    assert len(done.groups) <= (1 if scale < 1 else 7)


def test_equal_distances_and_two_degradations():
    similarity = Similarity(("a", "b"), np.full((2, 2), 3.0), np.zeros((2, 2)))
    for drop, groups in ((0.1, 1), (1.0, 2)):
        done = run(
            active.plan,
            similarity,
            lambda group, drop=drop: dict.fromkeys(group, drop),
            SearchSettings(0.7),
        )
        assert len(done.groups) == groups


def test_the_names_do_not_matter():
    instance = linear(8, 0.9, 0.15, 3)
    names = instance.similarity.names
    turned = names[::-1]
    renamed = dict(zip(names, turned, strict=True))
    similarity = Similarity(
        names, instance.similarity.distance[::-1, ::-1], instance.similarity.distance_std
    )

    def drops(group):
        original = instance.of(tuple(sorted(renamed[name] for name in group)))
        return {renamed[name]: drop for name, drop in original.items()}

    first = run(active.plan, instance.similarity, instance.of, SearchSettings(DELTA))
    second = run(active.plan, similarity, drops, SearchSettings(DELTA))
    back = {tuple(sorted(renamed[name] for name in group)) for group in second.groups}
    assert back == set(first.groups)
    assert first.trainings == second.trainings


def test_uses_what_another_strategy_verified():
    instance = linear(5, 0.5, 0.15, 2)
    everything = run(exhaustive.plan, instance.similarity, instance.of, SearchSettings(DELTA, 9))
    assert everything.trainings == 26
    assert len(everything.groups) == len(optimum(instance, DELTA))
    again = run(
        active.plan, instance.similarity, instance.of, SearchSettings(DELTA), everything.measured
    )
    assert again.rounds == ()
    assert len(again.groups) == len(everything.groups)


def test_a_failed_training_is_gone_round():
    instance = linear(4, 0.9, 0.0, 5)
    best = run(active.plan, instance.similarity, instance.of, SearchSettings(2.0))
    group = max(best.groups, key=len)
    failed = {group: dict.fromkeys(group, float("inf"))}
    done = run(active.plan, instance.similarity, instance.of, SearchSettings(2.0), failed)
    assert group not in done.groups


def test_thirty_degradations():
    instance = linear(30, 0.9, 0.15, 0)
    answer = active.plan(instance.similarity, {}, SearchSettings(DELTA))
    assert isinstance(answer, Requests)
    assert sorted(name for part in answer.why["partition"] for name in part.split("+"))
    assert set(answer.why["left"]) == {"trainings", "rounds"}
