"""Regression by likeness to examples."""

import numpy as np
import pytest

from grids.selection.fitting import fit


def examples(count, seed=0):
    generator = np.random.default_rng(seed)
    known = generator.normal(size=(count, 3))
    noise = np.where(known[:, 1] > 0, 1.0, 0.1) * generator.normal(size=count)
    return known, 3 * np.sin(known[:, 0]) + noise


def test_it_learns_what_is_not_linear_and_how_far_it_is_off():
    regression = fit._regression(*examples(300))
    known, targets = examples(500, 1)
    expected, spread = regression(known)
    true = 3 * np.sin(known[:, 0])
    assert np.sqrt(np.square(expected - true).mean()) < 0.35
    wild = known[:, 1] > 0.5
    calm = known[:, 1] < -0.5
    assert spread[wild].mean() > 2 * spread[calm].mean()
    errors = (targets - expected) / spread
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(1, abs=0.25)


def test_far_from_all_examples_it_expects_their_mean():
    known, targets = examples(100)
    regression = fit._regression(known, targets)
    expected, spread = regression(np.full((1, 3), 1e3))
    assert expected == pytest.approx(targets.mean())
    assert spread == pytest.approx(np.sqrt(np.square(regression.errors).mean()))


def test_errors_are_those_of_fits_without_the_example():
    known, targets = examples(30)
    whole = fit._regression(known, targets)
    # Solved anew without each, by the same likeness and penalty.
    distances = np.square(whole.points[:, None] - whole.points).sum(axis=2)
    near = np.exp(-distances / (2 * whole.width**2))
    penalty = ((targets - whole.level) - near @ whole.weights)[0] / whole.weights[0]
    for left_out in (0, 7, 29):
        others = np.arange(30) != left_out
        weights = np.linalg.solve(
            near[np.ix_(others, others)] + penalty * np.eye(29), (targets - whole.level)[others]
        )
        error = targets[left_out] - whole.level - near[left_out, others] @ weights
        assert abs(error) == pytest.approx(whole.errors[left_out], rel=1e-6)
