"""Regression by likeness to examples."""

import numpy as np
import pytest

from grids.selection.fitting import fit


def examples(count, seed=0):
    generator = np.random.default_rng(seed)
    known = generator.normal(size=(count, 3))
    noise = np.where(known[:, 1] > 0, 1.0, 0.1) * generator.normal(size=count)
    return known, np.stack([3 * np.sin(known[:, 0]) + noise, known[:, 2]], axis=1)


def test_it_learns_what_is_not_linear_and_how_far_it_is_off():
    regression = fit._regression(*examples(300))
    known, targets = examples(500, 1)
    expected, spread = regression(known)
    true = 3 * np.sin(known[:, 0])
    assert np.sqrt(np.square(expected[:, 0] - true).mean()) < 0.35
    wild = known[:, 1] > 0.5
    calm = known[:, 1] < -0.5
    assert spread[wild, 0].mean() > 2 * spread[calm, 0].mean()
    errors = (targets - expected)[:, 0] / spread[:, 0]
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(1, abs=0.25)


def test_each_target_has_a_regression_of_its_own():
    known, targets = examples(100)
    both, fresh = fit._regression(known, targets), examples(20, 1)[0]
    for number in (0, 1):
        alone = fit._regression(known, targets[:, [number]])
        for one, other in zip(both(fresh), alone(fresh), strict=True):
            np.testing.assert_allclose(one[:, [number]], other, rtol=1e-9)
    # What is linear and without noise is told from farther away.
    assert both.width[1] > both.width[0]


def test_far_from_all_examples_it_expects_their_mean():
    known, targets = examples(100)
    regression = fit._regression(known, targets)
    expected, spread = regression(np.full((1, 3), 1e3))
    np.testing.assert_allclose(expected[0], targets.mean(axis=0))
    np.testing.assert_allclose(spread[0], np.sqrt(np.square(regression.errors).mean(axis=0)))


def test_errors_are_those_of_fits_without_the_example():
    known, both = examples(30)
    whole, targets = fit._regression(known, both), both[:, 0]
    # Solved anew without each, by the same likeness and penalty.
    distances = np.square(whole.points[:, None] - whole.points).sum(axis=2)
    near = np.exp(-distances / (2 * whole.width[0] ** 2))
    weighed, level = whole.weights[:, 0], whole.level[0]
    penalty = (targets - level - near @ weighed)[0] / weighed[0]
    for left_out in (0, 7, 29):
        others = np.arange(30) != left_out
        weights = np.linalg.solve(
            near[np.ix_(others, others)] + penalty * np.eye(29), (targets - level)[others]
        )
        error = targets[left_out] - level - near[left_out, others] @ weights
        assert abs(error) == pytest.approx(whole.errors[left_out, 0], rel=1e-6)
