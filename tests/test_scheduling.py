"""Schedules of searches against a simulation event by event."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.search.simulation.scheduling import schedule


def by_events(counts, slots, length, verification):
    """Jobs taken one by one by whichever slot is free first; a barrier after each round."""
    now = 0.0
    for count in counts:
        free = [now] * slots
        for _ in range(count):
            heapq.heappush(free, heapq.heappop(free) + length)
        now = max(free) + verification
    return now


@given(
    st.integers(2, 30),
    st.lists(st.integers(1, 16), max_size=12),
    st.integers(1, 64),
    st.sampled_from([1, 2, 8]),
    st.floats(0.5, 1),
    st.floats(0, 0.5),
)
def test_wall_time_is_that_of_greedy_slots(n, rounds, gpus, share, efficiency, verification):
    if share > gpus:
        with pytest.raises(ValueError, match="there are"):
            schedule(n, rounds, gpus, share, efficiency, verification)
        return
    done = schedule(n, rounds, gpus, share, efficiency, verification)
    length = 1 / (share * efficiency) if share > 1 else 1
    expected = by_events([n + 1, *rounds], gpus // share, length, verification)
    assert done.wall == pytest.approx(expected)
    assert done.trainings == n + 1 + sum(rounds)
    assert 0 < done.utilisation <= 1 + 1e-9


def test_one_gpu_does_one_training_after_the_other_and_is_never_idle():
    done = schedule(11, [2, 2, 1], gpus=1)
    assert done.wall == done.trainings == 17
    assert done.utilisation == 1
