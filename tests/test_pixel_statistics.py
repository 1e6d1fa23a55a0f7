"""What pixels tell without a network, on noise and waves that are known."""

import numpy as np
import pytest

from grids.selection import pixel_statistics

SPECTRA = 3 * 63


def told(values):
    """Statistics of patches with these values, by name."""
    vector = pixel_statistics.statistics(np.clip(np.rint(values), 0, 255).astype(np.uint8))
    ends = np.cumsum([SPECTRA, SPECTRA, 6, 3, 6, 3])
    names = ["spread", "shape", "brightness", "correlations", "ends", "flat"]
    assert len(vector) == ends[-1]
    assert np.isfinite(vector).all()
    return dict(zip(names, np.split(vector, ends[:-1]), strict=True))


def noisy(level, sigma, channels=3, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, (24, 32, 32, channels))
    return level + sigma * np.broadcast_to(noise, (24, 32, 32, 3))


def test_the_spread_of_white_noise_is_that_of_each_frequency():
    spread = told(noisy(128, 12))["spread"].reshape(3, 63)
    # Luma has the squared weights' share of independent noise, and the rounding to whole values.
    luma = np.hypot(12, 12**-0.5) / 255 * np.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    np.testing.assert_allclose(spread[0], np.log(luma), atol=0.12)
    shape = told(noisy(128, 12))["shape"].reshape(3, 63)
    # Of a normal distribution E[x²] / E[|x|]² = π / 2.
    np.testing.assert_allclose(shape[0], np.log(np.pi / 2), atol=0.15)


def test_grey_noise_is_told_from_coloured():
    np.testing.assert_allclose(told(noisy(128, 12))["correlations"], 0, atol=0.02)
    np.testing.assert_allclose(told(noisy(128, 12, channels=1))["correlations"], 1, atol=1e-4)
    assert told(noisy(128, 12, channels=1))["spread"].reshape(3, 63)[1:].max() < -8


def test_noise_of_photons_grows_with_brightness():
    levels = np.linspace(10, 245, 24)[:, None, None, None]
    constant = told(noisy(levels, 9))["brightness"]
    growing = told(noisy(levels, 9 * np.sqrt(levels / 128)))["brightness"]
    np.testing.assert_allclose(constant, 0, atol=0.1)
    assert (np.diff(growing) > 0).all()
    # Twice the brightness, √2 times the noise: of the bands in the middle, 64 and 128.
    assert growing[3] - growing[1] == pytest.approx(np.log(149 / 64) / 2, abs=0.15)


def test_a_constant_has_no_residual_and_no_statistic_is_infinite():
    flat = told(np.full((24, 32, 32, 3), 255.0))
    assert flat["flat"] == pytest.approx([0, 0, 0], abs=1e-3)
    assert flat["ends"] == pytest.approx([np.log(1e-4)] * 3 + [0] * 3, abs=1e-3)
    np.testing.assert_allclose(flat["brightness"], 0, atol=1e-6)


def test_the_order_of_patches_does_not_count():
    values = noisy(np.linspace(10, 245, 24)[:, None, None, None], 9)
    vector = pixel_statistics.statistics(values.clip(0, 255).astype(np.uint8))
    turned = pixel_statistics.statistics(values[::-1].clip(0, 255).astype(np.uint8))
    np.testing.assert_allclose(vector, turned, rtol=1e-4, atol=1e-4)
