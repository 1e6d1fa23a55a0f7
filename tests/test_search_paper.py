from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grids.base.errors import InputError
from grids.search.candidates import rank
from grids.search.contract import SearchSettings, Similarity, Solution
from grids.search.group_names import members
from grids.search.simulation.families import published
from grids.search.strategies import paper


def similarity(n, seed):
    names = tuple(f"d{i:02d}" for i in range(n))
    distance = np.random.default_rng(seed).uniform(2, 5, (n, n))
    return Similarity(names, distance, np.zeros((n, n)))


def run(known, drops, delta=0.7, measured=(), reasons=None, **options):
    """The solution, all that is measured, and the groups of each round.

    `reasons` takes up why each group was asked for.
    """
    measured = dict(measured)
    reasons = {} if reasons is None else reasons
    rounds = []
    while True:
        answer = paper.plan(known, measured, SearchSettings(delta, **options))
        if isinstance(answer, Solution):
            return answer, measured, rounds
        assert 1 <= len(answer.groups) <= options.get("requests_per_round", 1)
        assert not set(answer.groups) & set(measured)
        assert set(answer.why["requests"]) == {"+".join(group) for group in answer.groups}
        reasons |= {group: answer.why["requests"]["+".join(group)] for group in answer.groups}
        measured |= {group: drops(group) for group in answer.groups}
        rounds.append(answer.groups)


def monotone(known, boundaries):
    """Drops of groups that pass up to a rank of each size; no size behind a 0 passes."""
    rankings = {
        size: [members(name, known.names) for name in table["group"]]
        for size, table in rank(known.distance, known.names).items()
    }

    def drops(group):
        passes = rankings[len(group)].index(group) < boundaries.get(len(group), 0)
        return dict.fromkeys(group, 0.5 if passes else 0.9)

    return drops


def fewest(names, passes):
    """The least number of passing groups that hold each name once, by plain recursion."""
    if not names:
        return 0
    first, rest = names[0], names[1:]
    return 1 + min(
        fewest([name for name in rest if name not in others], passes)
        for size in range(len(names))
        for others in combinations(rest, size)
        if not others or passes((first, *others))
    )


@st.composite
def monotone_cases(draw):
    known = similarity(draw(st.integers(1, 6)), draw(st.integers(0, 10**6)))
    n = len(known.names)
    largest = draw(st.integers(1, n))
    table = rank(known.distance, known.names)
    boundaries = {size: draw(st.integers(1, len(table[size]))) for size in range(2, largest + 1)}
    return known, monotone(known, boundaries)


@settings(deadline=None, max_examples=60)
@given(monotone_cases(), st.integers(1, 5))
def test_finds_the_minimum_where_ranks_decide(case, requests):
    known, drops = case
    solution, measured, _ = run(known, drops, requests_per_round=requests)
    assert sorted(name for group in solution.groups for name in group) == list(known.names)
    for group in solution.groups:
        assert len(group) == 1 or max(measured[group].values()) <= 0.7
    passes = lambda group: max(drops(group).values()) <= 0.7  # noqa: E731
    assert len(solution.groups) == fewest(list(known.names), passes)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 10**6), st.integers(2, 9))
@example(6, 171, 2)  # a group that one request a round verifies and two do not
def test_requests_per_round_change_the_rounds_not_the_answer(n, seed, requests):
    known = similarity(n, seed)

    def drops(group):
        # No order at all: each group passes or fails by chance.
        chance = np.random.default_rng([seed, *map(known.names.index, group)])
        return {name: float(chance.uniform(0, 1.2)) for name in group}

    reasons = {}
    alone, measured, rounds = run(known, drops, reasons=reasons)
    together, more, fewer = run(known, drops, requests_per_round=requests)
    assert alone.groups == together.groups
    # Only this lets a group be left out: the partition that it was verified for holds another one
    # that failed, which was verified at the same time as something else. Training the group could
    # change nothing then.
    for group in set(measured) - set(more):
        partition = [members(name, known.names) for name in reasons[group]["partition"]]
        assert any(max(more[other].values()) > 0.7 for other in partition if other in more)
    # Each round that tries a partition in vain tells all its groups, and one of them failed: one
    # request a round has to find this failure as well. With fewer requests than a partition has
    # unknown groups, a partition that one request a round never tries may take two rounds. That can
    # make one round more where some results were there before (two groups asked for by one, three
    # rounds by two); searches from nothing have not shown it, and nothing rules it out.
    if requests >= n // 2:
        assert len(fewer) <= len(rounds)
    for group in alone.groups:
        assert len(group) == 1 or max(measured[group].values()) <= 0.7


@pytest.mark.parametrize(("largest", "trainings"), [(3, 17), (5, 36), (11, 72)])
def test_trainings_of_eleven_degradations_before_partitions(largest, trainings):
    # Bounds by the logarithms of the intervals are 18, 36 and 73; the last counts the group of all
    # twice, as the probe of its size and as the only rank of that size.
    known = similarity(11, 0)
    drops = monotone(known, dict.fromkeys(range(2, largest + 1), 10**6))
    measured = {}
    asked = 0
    while True:
        answer = paper.plan(known, measured, SearchSettings(0.7))
        if isinstance(answer, Solution) or _step(answer) == "partition":
            break
        asked += 1
        measured |= {group: drops(group) for group in answer.groups}
    assert asked == trainings


def _step(answer):
    return next(iter(answer.why["requests"].values()))["step"]


def test_a_known_result_is_not_asked_for_again_and_delta_may_change():
    known = similarity(6, 3)
    drops = monotone(known, {2: 9, 3: 7, 4: 2})
    solution, measured, _ = run(known, drops)
    again, same, rounds = run(known, drops, measured=measured)
    assert (again.groups, same, rounds) == (solution.groups, measured, [])
    strict, _, _ = run(known, drops, delta=0.4, measured=measured)
    assert len(strict.groups) == 6


def test_all_solutions():
    known = similarity(4, 1)
    drops = monotone(known, {2: 6})
    solution, _, _ = run(known, drops, all_solutions=True)
    assert sorted(map(sorted, solution.why["solutions"])) == [
        ["d00+d01", "d02+d03"],
        ["d00+d02", "d01+d03"],
        ["d00+d03", "d01+d02"],
    ]


def test_a_group_that_never_trains_is_gone_round():
    known = similarity(3, 1)
    drops = monotone(known, {2: 3, 3: 1})
    failed = {known.names: dict.fromkeys(known.names, float("inf"))}
    solution, _, _ = run(known, drops, measured=failed)
    assert len(solution.groups) == 2


def test_more_degradations_than_can_be_partitioned():
    with pytest.raises(InputError, match="take active"):
        paper.plan(similarity(15, 0), {}, SearchSettings(0.7))


def test_published_drops_with_all_other_groups_infeasible_give_the_paper_s_four_groups():
    """The paper's groups are made the most similar ones: its own ranking is not published."""
    distances, measured = published()
    names = distances.names
    found = [
        ("gaussian_blur", "motion_blur", "r_l"),
        ("defocus_blur", "ringing", "sr"),
        ("inpainting", "jpeg", "poisson_noise"),
        ("gaussian_noise", "salt_pepper_noise"),
    ]
    matrix = np.full((11, 11), 4.0)
    for group, distance in zip(found, (2.0, 2.0, 2.0, 1.5), strict=True):
        members_of_group = [names.index(name) for name in group]
        matrix[np.ix_(members_of_group, members_of_group)] = distance
    known = Similarity(names, matrix, np.zeros((11, 11)))

    def drops(group):
        return measured.get(group, dict.fromkeys(group, float("inf")))

    answer, _, _ = run(known, drops)
    assert sorted(answer.groups) == sorted(found)
    assert all(max(measured[group].values()) <= 0.7 for group in answer.groups)
