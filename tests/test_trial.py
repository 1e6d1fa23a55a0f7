"""What trying a model on a window of a photograph tells, with models whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from grids.base.errors import NotFiniteError
from grids.selection import trial

# Where the vector has what.
CHANGE, TURNED, BANDS, OUTPUT, BEYOND, BLOCKS = 0, 1, slice(2, 6), slice(6, 10), 10, 11
NOISE = np.random.default_rng(0).integers(60, 190, (400, 640, 3), np.uint8)
WINDOW = trial.window(NOISE)


def add(levels):
    return lambda images: images + np.float32(levels / 255)


def smooth(images):
    return gaussian_filter(images, (0, 0, 2, 2))


@settings(max_examples=30, deadline=None)
@given(st.integers(64, 900), st.integers(64, 900))
def test_windows_are_small_whatever_the_photograph_is(height, width):
    numbers = np.arange(height * width).reshape(height, width, 1)
    image = np.concatenate([numbers >> 16, numbers >> 8, numbers], axis=2).astype(np.uint8)
    window = trial.window(image)
    if height * width <= 240 * 240:
        assert np.array_equal(window, image)
        return
    tall, wide = window.shape[:2]
    assert tall % 8 == wide % 8 == 0
    short = min(240, height // 8 * 8, width // 8 * 8)
    assert short in (tall, wide)
    # As much as there may be: a further block would be too much, or beyond the photograph.
    assert tall * wide <= 240 * 240
    assert (max(tall, wide) + 8) * short > 240 * 240 or max(tall, wide) + 8 > max(height, width)
    # It is of one piece, as it lies in the photograph, on JPEG's blocks.
    places = window.astype(int) @ [1 << 16, 1 << 8, 1]
    row, column = divmod(places[0, 0], width)
    assert row % 8 == column % 8 == 0
    assert np.array_equal(places, numbers[row : row + tall, column : column + wide, 0])


def test_the_window_is_where_most_detail_is():
    image = np.add.outer(np.arange(480) // 4, np.arange(720) // 6)[..., None].repeat(3, 2)
    image = image.astype(np.uint8)
    image[250:450, 490:710] = NOISE[:200, :220]
    assert np.array_equal(trial.window(image), image[240:480, 480:720])


def test_what_is_left_is_what_a_model_makes_of_the_window():
    left = trial.tried(WINDOW, lambda images: images + np.arange(images.shape[3]) / 8 / 255).left
    added = left.astype(int) - WINDOW
    assert np.abs(added - np.arange(240)[:, None] / 8).max() <= 0.51


def test_a_model_that_does_nothing_is_told_by_the_least_of_changes():
    told = trial.tried(WINDOW, add(0)).numbers
    assert told.shape == (19,)
    np.testing.assert_allclose(told[[CHANGE, TURNED, BEYOND]], np.log10(0.02))
    np.testing.assert_allclose(told[OUTPUT], 0, atol=1e-6)


def test_a_change_is_told_by_its_energy_and_where_it_lies():
    told = trial.tried(WINDOW, add(10)).numbers
    assert told[CHANGE] == pytest.approx(np.log10(100.02))
    # The mean of each block changes, and no frequency does.
    assert told[12] == pytest.approx(np.log10(100.02), abs=1e-3)
    assert (told[BANDS] < -3).all()
    smoothed = trial.tried(WINDOW, smooth).numbers
    assert (np.diff(smoothed[OUTPUT]) < 0).all()
    assert smoothed[OUTPUT][-1] < -2
    # What is lost at high frequencies is all that there was.
    assert smoothed[BANDS][-1] == pytest.approx(0, abs=0.05)
    sharpened = trial.tried(WINDOW, lambda images: 2 * images - smooth(images)).numbers
    assert smoothed[BEYOND] < sharpened[BEYOND]


def test_a_model_that_knows_up_from_left_is_not_sure():
    def along_rows(images):
        return gaussian_filter(images, (0, 0, 0, 2))

    assert trial.tried(WINDOW, along_rows).numbers[TURNED] > 2
    assert trial.tried(WINDOW, smooth).numbers[TURNED] < 0


def test_steps_between_blocks_are_found_wherever_these_begin():
    rows = np.add.outer(np.arange(80), np.arange(80))[..., None] + np.zeros(3)
    before = (60 + rows / 2).astype(np.uint8)
    for shift in (0, 3):
        blocks = (np.arange(80) + shift) // 8 % 2 * 20
        after = before + blocks[:, None, None].astype(np.uint8)
        assert trial.told(before, after, after)[BLOCKS] > 2
    even = before + 10 * (np.arange(80) % 2)[:, None, None].astype(np.uint8)
    assert trial.told(before, even, even)[BLOCKS] == pytest.approx(0, abs=0.02)


def test_strokes_are_all_taken_out_and_nothing_else_is():
    before = np.full((80, 80, 3), 120, np.uint8)
    before[:, 20:40] = 255
    mended, half, elsewhere = before.copy(), before.copy(), before.copy()
    mended[:, 20:40] = half[:, 20:30] = elsewhere[:, 20:30] = 120
    elsewhere[:, 60:70] = 200
    for after, of_change, of_pure in ((mended, 1, 1), (half, 1, 0.5), (elsewhere, 0.5, 0.5)):
        told = trial.told(before, after, after)[-2:]
        assert told == pytest.approx([of_change, of_pure], abs=0.07)
    assert trial.told(before, before, before)[-2:].tolist() == [0, 0]
    # Where all is grey there is nothing to take out.
    assert trial.told(before[:, :16], elsewhere[:, 60:76], before[:, :16])[-1] == 0


def test_numbers_that_are_none_are_told():
    with pytest.raises(NotFiniteError, match="output is not finite"):
        trial.tried(WINDOW, lambda images: images * np.nan)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_extremes_of_neighbours_are_scipys(height, width, seed):
    plane = np.random.default_rng(seed).random((height, width), np.float32)
    for ours, theirs in ((np.minimum, minimum_filter), (np.maximum, maximum_filter)):
        assert np.array_equal(trial._of_neighbours(ours, plane), theirs(plane, 3))
