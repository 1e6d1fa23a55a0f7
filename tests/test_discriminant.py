"""The shrunken discriminant against formulas written out, and against known laws."""

import numpy as np
from scipy.stats import multivariate_normal

from grids.selection import discriminant

GENERATOR = np.random.default_rng(0)


def test_shrinkage_is_that_of_ledoit_and_wolf_written_out():
    centred = GENERATOR.normal(size=(30, 8)) @ GENERATOR.normal(size=(8, 8))
    sample = np.mean([np.outer(x, x) for x in centred], axis=0)
    identity = np.trace(sample) / 8 * np.eye(8)
    noise = np.mean([np.sum((np.outer(x, x) - sample) ** 2) for x in centred]) / 30
    share = noise / np.sum((sample - identity) ** 2)
    assert 0 < share < 1
    expected = (1 - share) * sample + share * identity
    np.testing.assert_allclose(discriminant.shrunken(centred), expected, rtol=1e-10)


def test_with_many_examples_it_is_bayes_rule_of_normal_laws():
    means = np.array([[0.0, 0, 0], [2, 0, 1], [0, 3, -1]])
    mixing = np.array([[1.0, 0, 0], [0.8, 0.5, 0], [0, 0.3, 2]])
    labels = np.repeat(np.arange(3), 20_000)
    vectors = means[labels] + GENERATOR.normal(size=(60_000, 3)) @ mixing.T
    fitted = discriminant.fit(vectors, labels)
    points = vectors[::6000]
    laws = [multivariate_normal(mean, mixing @ mixing.T) for mean in means]
    densities = np.array([law.logpdf(points) for law in laws]).T
    expected = densities - np.logaddexp.reduce(densities, axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.scores(points), expected, rtol=0.05, atol=0.2)
    inverse = np.linalg.inv(mixing @ mixing.T)
    squared = [[(x - m) @ inverse @ (x - m) for m in means] for x in points]
    np.testing.assert_allclose(fitted.squared_distances(points), squared, rtol=0.05, atol=0.2)
    # Differences of distances from the classes are all in the coordinates.
    found = np.stack([vectors[labels == label].mean(axis=0) for label in range(3)])
    places = fitted.coordinates(points)[:, None] - fitted.coordinates(found)
    inside = np.square(places).sum(axis=-1)
    outside = fitted.squared_distances(points) - inside
    np.testing.assert_allclose(outside, outside[:, :1].repeat(3, axis=1), atol=1e-8)


def test_more_statistics_than_examples_and_a_constant_one_are_no_trouble():
    labels = np.repeat([0, 1], 10)
    vectors = GENERATOR.normal(size=(20, 50)) + 3 * labels[:, None]
    vectors[:, 7] = 1.0
    fitted = discriminant.fit(vectors, labels)
    assert (fitted.scores(vectors).argmax(axis=1) == labels).all()
    assert fitted.coordinates(vectors).shape == (20, 1)
    assert np.isfinite(fitted.squared_distances(vectors)).all()
