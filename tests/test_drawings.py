"""Pictures with lines of their own, that the choice is fitted to."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.images import patches
from grids.selection import pixel_statistics
from grids.selection.fitting import drawings

PHOTOGRAPH = np.random.default_rng(0).integers(90, 160, (97, 130, 3), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(64, 150), st.integers(64, 150))
def test_something_is_drawn_and_by_the_seed_alone(seed, height, width):
    photograph = np.full((height, width, 3), 120, np.uint8)
    first, again = (drawings.drawn(photograph, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == photograph.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert (photograph == 120).all()


def test_most_have_edges_and_half_of_the_photographs_are_left_whole_beside():
    made = [drawings.drawn(PHOTOGRAPH, np.random.default_rng(seed)) for seed in range(100)]
    kept = np.array([(one == PHOTOGRAPH).all(axis=-1).mean() for one in made])
    on_photographs = kept > 0.1
    assert 0.4 < on_photographs.mean() < 0.8
    assert (kept < 1).mean() > 0.9


def test_nothing_on_a_photograph_is_a_stroke_of_inpainting():
    """Such a one is pure up to an edge that steps at once."""
    shares = []
    for seed in range(100):
        made = drawings.drawn(PHOTOGRAPH, np.random.default_rng(seed))
        if (made == PHOTOGRAPH).all(axis=-1).mean() > 0.1:
            told = pixel_statistics.statistics(patches.grid(made, 24))
            of_black, of_white = np.split(told[-14:], 2)
            shares += [of_black[4], of_white[4]]
    assert np.mean(np.array(shares) > 0.9) < 0.1
