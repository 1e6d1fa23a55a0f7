"""Strategy `tag`: its partitions against brute force, and that what it answers is verified."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grids.base.errors import InputError
from grids.search.contract import Requests, SearchSettings, Similarity, Solution
from grids.search.simulation.families import DELTA, FAMILIES, with_affinity
from grids.search.simulation.searches import run
from grids.search.strategies import tag


def square(affinity):
    n = len(affinity)
    flat = np.full((n, n), 3.0)
    return Similarity(tuple("abcdefg"[:n]), flat, np.zeros((n, n)), np.asarray(affinity))


def partitions(names):
    """All of them, each as a sorted tuple of sorted tuples."""
    if not names:
        yield ()
        return
    first, *rest = names
    for smaller in partitions(rest):
        yield tuple(sorted([(first,), *smaller]))
        for i, group in enumerate(smaller):
            joined = tuple(sorted((first, *group)))
            yield tuple(sorted([*smaller[:i], joined, *smaller[i + 1 :]]))


def total(groups, similarity):
    """As TAG has it: of each degradation the mean affinity of the others of its group onto it."""
    names, affinity, found = similarity.names, similarity.affinity, 0.0
    for group in groups:
        for target in group:
            onto = [affinity[names.index(s), names.index(target)] for s in group if s != target]
            found += np.mean(onto) if onto else 0.0
    return found


def matrices(least=1):
    return st.integers(least, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(-1, 1, width=16), min_size=n, max_size=n), min_size=n, max_size=n
        )
    )


@settings(deadline=None, max_examples=60)
@given(matrices(), st.data())
def test_the_partition_is_the_one_of_brute_force(affinity, data):
    similarity = square(affinity)
    names = similarity.names
    number = data.draw(st.integers(1, len(names)))
    every = [p for p in partitions(list(names)) if len(p) == number]
    struck = data.draw(st.sets(st.sampled_from([g for p in every for g in p]), max_size=3))
    left = [p for p in every if not struck & set(p)]
    found = tag.selection(names, tag.gains(similarity.affinity), number, struck)
    if not left:
        assert found == ()
        return
    assert found in left
    best = max(total(p, similarity) for p in left)
    assert total(found, similarity) == pytest.approx(best, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(FAMILIES)),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.15, 1.0]),
    st.integers(0, 10**6),
    st.integers(1, 8),
)
def test_ends_with_verified_groups_whatever_else_is_known(family, n, follows, noise, seed, k):
    instance = with_affinity(FAMILIES[family](n, 0.9, noise, seed), follows, seed)
    # `run` raises where a strategy breaks its contract.
    done = run(tag.plan, instance.similarity, instance.of, SearchSettings(DELTA, k))
    assert done.trainings <= n * (n + 1) // 2
    # And whatever else was verified before.
    names = instance.similarity.names
    subsets = (names[i : i + size] for size in range(2, n + 1) for i in range(0, n - size + 1, 2))
    known = {group: instance.of(group) for group in subsets}
    again = run(tag.plan, instance.similarity, instance.of, SearchSettings(DELTA), known)
    assert not set(known) & {group for asked in again.rounds for group in asked}


def test_a_failure_leads_to_the_next_number_and_never_comes_again():
    affinity = np.full((4, 4), -1.0)
    affinity[:2, :2] = affinity[2:, 2:] = 1.0
    affinity[0, 1] = affinity[1, 0] = 2.0
    similarity, asked = square(affinity), SearchSettings(0.5)
    mix, one, other = tuple("abcd"), ("a", "b"), ("c", "d")
    answer = tag.plan(similarity, {}, asked)
    assert answer.groups == (mix,)
    measured = {mix: dict.fromkeys(mix, 0.6)}
    # Of the two pairs the one that gains less is tried first.
    assert tag.plan(similarity, measured, asked).groups == (other,)
    measured[other] = {"c": 0.5, "d": 0.4}
    assert tag.plan(similarity, measured, asked).groups == (one,)
    assert tag.plan(similarity, measured | {one: dict.fromkeys(one, 0.5)}, asked) == Solution(
        (one, other), {"number_of_groups": 2}
    )
    # Into three groups, `a+b` and the others alone would be the best.
    measured[one] = {"a": 0.7, "b": 0.1}
    assert tag.plan(similarity, measured, asked).groups == (("a",), ("b",), other)


def test_a_given_number_is_trained_at_once_and_kept_whatever_it_drops():
    affinity = np.full((4, 4), -1.0)
    affinity[:2, :2] = affinity[2:, 2:] = 1.0
    similarity, asked = square(affinity), SearchSettings(0.5, number_of_groups=2)
    pairs = (("a", "b"), ("c", "d"))
    answer = tag.plan(similarity, {}, asked)
    assert isinstance(answer, Requests)
    assert sorted(answer.groups) == list(pairs)
    measured = {group: dict.fromkeys(group, 9.0) for group in pairs}
    assert tag.plan(similarity, measured, asked).groups == pairs
    measured[pairs[0]] = dict.fromkeys("ab", float("inf"))
    with pytest.raises(InputError, match=r"a\+b failed for good; .*search.number_of_groups"):
        tag.plan(similarity, measured, asked)


def test_without_affinities_it_says_so():
    flat = np.full((2, 2), 3.0)
    with pytest.raises(InputError, match="needs affinities, which are not measured"):
        tag.plan(Similarity(("a", "b"), flat, flat), {}, SearchSettings(0.5))


@given(matrices(least=2))
def test_what_a_degradation_does_to_itself_does_not_matter(affinity):
    similarity = square(affinity)
    assume(len(similarity.names) > 1)
    other = similarity.affinity + 100 * np.eye(len(similarity.names))
    np.testing.assert_allclose(tag.gains(similarity.affinity), tag.gains(other))


@pytest.mark.parametrize("family", FAMILIES)
def test_made_up_affinities_follow_the_drops_of_pairs_as_far_as_they_are_told_to(family):
    instance = FAMILIES[family](11, 0.9, 0.0, 3)
    apart = ~np.eye(11, dtype=bool)
    # Drop of the column's degradation in a pair with the row's.
    drops = np.zeros((11, 11))
    for i, source in enumerate(instance.similarity.names):
        for j, target in enumerate(instance.similarity.names):
            if i != j:
                drops[i, j] = instance.of(tuple(sorted((source, target))))[target]
    found = []
    for follows in (1.0, 0.5, 0.0):
        affinity = with_affinity(instance, follows, 3).similarity.affinity
        found.append(np.corrcoef(affinity[apart], drops[apart])[0, 1])
    assert found[0] == pytest.approx(-1)
    assert found[1] == pytest.approx(-0.5, abs=0.2)
    assert abs(found[2]) < 0.25
