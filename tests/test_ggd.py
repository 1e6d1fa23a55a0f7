import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import gamma

from grids.base.errors import InputError
from grids.similarity import features, ggd, law, matrix

# Published procedure of SRGA: (σ, α) of two laws, their divergence and distance.
VECTORS = [
    ((2.718, 0.687), (2.333, 0.596), 0.02114306, 3.325),
    ((2.718, 0.687), (2.007, 0.466), 0.11759818, 4.070),
    ((2.007, 0.466), (2.718, 0.687), 0.12222066, 4.087),
    ((2.866, 0.691), (2.795, 0.683), 0.00035570, 1.563),
    ((4.278, 0.668), (2.465, 0.529), 0.16217514, 4.210),
    ((1.0, 2.0), (2.0, 2.0), 0.31814718, 4.503),
    ((2**0.5, 1.0), (3 * 2**0.5, 1.0), 0.43194562, 4.635),
]

shapes = st.floats(0.3, 5.0)
sigmas = st.floats(0.1, 10.0)


def exact(alpha, sigma):
    return stats.gennorm(alpha, scale=sigma * np.sqrt(gamma(1 / alpha) / gamma(3 / alpha)))


@pytest.mark.parametrize(("p", "q", "divergence", "distance"), VECTORS)
def test_divergence_and_distance_of_known_laws(p, q, divergence, distance):
    kl = law.kl(p[1], p[0], q[1], q[0])
    assert kl == pytest.approx(divergence, abs=1e-6)
    assert law.distance(kl) == pytest.approx(distance, abs=1e-3)


@settings(deadline=None, max_examples=30)
@given(shapes, sigmas, st.floats(0.5, 3.0), sigmas)
def test_divergence_is_the_integral(alpha1, sigma1, alpha2, sigma2):
    p, q = exact(alpha1, sigma1), exact(alpha2, sigma2)
    tail = p.isf(1e-13)
    expected = (
        2
        * quad(
            lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), 0, tail, limit=500, points=[sigma1]
        )[0]
    )
    assert law.kl(alpha1, sigma1, alpha2, sigma2) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@given(shapes, sigmas)
def test_divergence_of_a_law_from_itself_is_zero(alpha, sigma):
    assert law.kl(alpha, sigma, alpha, sigma) == pytest.approx(0, abs=1e-9)


@given(shapes, sigmas, st.floats(-20, 20))
def test_density_is_scipys(alpha, sigma, x):
    ours = law.density(np.array([x]), alpha, sigma)[0]
    assert ours == pytest.approx(exact(alpha, sigma).pdf(x), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.3, 0.687, 1.0, 2.0, 5.0])
def test_fit_recovers_the_law(alpha):
    samples = exact(alpha, 2.5).rvs(400_000, random_state=0)
    fitted_alpha, fitted_sigma = law.fit(samples)
    assert fitted_alpha == pytest.approx(alpha, rel=0.04)
    assert fitted_sigma == pytest.approx(2.5, rel=0.02)


def test_fit_agrees_with_a_scan_over_shapes():
    samples = exact(0.7, 1.3).rvs(5000, random_state=1)
    ratio = np.mean(samples**2) / np.mean(np.abs(samples - samples.mean())) ** 2
    grid = np.arange(0.2, 10, 0.001)
    scan = grid[np.argmin(np.abs(ratio - gamma(1 / grid) * gamma(3 / grid) / gamma(2 / grid) ** 2))]
    assert law.fit(samples)[0] == pytest.approx(scan, abs=6e-4)


def test_clip_biases_a_heavy_tail():
    samples = exact(0.687, 2.718).rvs(240_000, random_state=2)
    assert law.fit(law.clipped(samples, 0)) == pytest.approx((0.687, 2.718), rel=0.02)
    assert law.fit(law.clipped(samples, 5)) == pytest.approx((0.759, 2.556), rel=0.02)


def test_clip_is_one_pass_over_the_full_vector():
    samples = np.random.default_rng(0).standard_t(2, 10_000)
    kept = [x for x in samples if abs(x - np.mean(samples)) < 5 * np.std(samples)]
    assert np.array_equal(law.clipped(samples, 5), kept)


def test_fit_refuses_constant_scores():
    with pytest.raises(ValueError, match="constant"):
        law.fit(np.zeros(10))


@pytest.mark.parametrize("components", [5, 30, 100])
def test_scores_are_those_of_a_singular_value_decomposition(components):
    data = np.random.default_rng(0).normal(size=(40, 500)).astype(np.float32) + 3
    u, s, _ = np.linalg.svd(data - data.mean(axis=0), full_matrices=False)
    kept = min(components, 39)
    expected = u[:, :kept] * s[:kept]
    scores = law.scores(features.gram(torch.from_numpy(data)), components)
    assert scores.shape == (40, kept)
    # The sign of a component is arbitrary.
    assert np.abs(scores) == pytest.approx(np.abs(expected), rel=1e-3, abs=2e-3)


def test_scores_of_some_rows_are_those_of_their_features_alone():
    data = torch.randn(30, 200, generator=torch.Generator().manual_seed(0))
    rows = np.array([1, 4, 5, 9, 20, 21, 22, 29])
    alone = law.scores(features.gram(data[rows]), 5)
    inside = law.scores(features.gram(data)[np.ix_(rows, rows)], 5)
    assert np.abs(inside) == pytest.approx(np.abs(alone), rel=1e-3, abs=1e-3)


def test_gram_does_not_depend_on_the_chunks(monkeypatch):
    data = torch.randn(12, 1000, generator=torch.Generator().manual_seed(1))
    whole = features.gram(data)
    monkeypatch.setattr(features, "CHUNK", 64)
    assert features.gram(data) == pytest.approx(whole, rel=1e-4, abs=1e-3)


def test_features_come_in_the_order_of_the_patches():
    patches = np.random.default_rng(0).integers(0, 256, (37, 4, 4, 3), dtype=np.uint8)
    seen = []

    def describe(p):
        return p.flatten(1) * 2

    found = features.features(patches, describe, torch.device("cpu"), seen.append)
    expected = patches.transpose(0, 3, 1, 2).reshape(37, -1) / 255 * 2
    assert found.numpy() == pytest.approx(expected, abs=1e-6)
    assert seen == [16, 32, 37]


def test_estimate_has_the_full_set_first_and_halves_behind():
    gram = features.gram(torch.randn(50, 300, generator=torch.Generator().manual_seed(2)))
    table = ggd.estimate(gram, np.random.default_rng(0), components=20, clip=5, replicates=4)
    assert table["patches"].tolist() == [50, 25, 25, 25, 25]
    assert table["components"].tolist() == [20, 10, 10, 10, 10]
    assert sum(table["histogram"][0]) == pytest.approx(50 * 20, abs=20)
    assert table["histogram"][1:].isna().all()
    assert (table["alpha"][0], table["sigma"][0]) == law.fit(law.clipped(law.scores(gram, 20), 5))


def correlated(patches, seed):
    """Features of patches from one law with a falling spectrum and heavy tails."""
    generator = np.random.default_rng(seed)
    scales = np.arange(1, 2001) ** -0.6
    return torch.from_numpy(generator.laplace(size=(patches, 2000)) * scales).float()


def test_laws_of_one_degradation_compare_at_equal_number_of_patches():
    """A set of 60 patches against a reference of 400: far apart as they stand, near at 60."""
    arguments = {"components": 150, "clip": 5.0, "replicates": 16}
    reference = ggd.estimate(
        features.gram(correlated(400, 0)), np.random.default_rng(0), counts=[60], **arguments
    )
    at_60 = reference[reference["patches"] == 60]
    assert len(at_60) == 16
    kept = at_60["components"].iloc[0]
    assert kept == ggd.share(150, 60, 400) == 22
    mean = at_60[["alpha", "sigma"]].mean()
    own = [at_60.iloc[i][["alpha", "sigma"]].to_numpy(float) for i in range(16)]
    floor = max(law.distance(law.kl(*fitted, *mean)) for fitted in own)
    for seed in range(1, 6):
        gram = features.gram(correlated(60, seed))
        small = law.fit(law.clipped(law.scores(gram, kept), 5.0))
        equal_number = law.distance(law.kl(*small, *mean))
        as_they_stand = law.distance(law.kl(*small, *reference.loc[0, ["alpha", "sigma"]]))
        assert equal_number <= floor + 0.3
        assert as_they_stand > equal_number + 1


def test_a_count_beyond_the_set_is_refused():
    gram = features.gram(correlated(20, 0))
    with pytest.raises(InputError, match=r"ggd.counts: 30 patches, but a set holds 20"):
        ggd.estimate(
            gram, np.random.default_rng(0), components=5, clip=5, replicates=2, counts=[30]
        )


def test_standard_error_of_halves_is_that_of_repeated_sampling():
    """The spread over halves of one sample against the spread over fresh samples."""
    generator = np.random.default_rng(3)

    def fit_of(rows):
        return law.fit(rows.ravel())[1]

    fresh = [fit_of(generator.laplace(size=(100, 5))) for _ in range(300)]
    ratios = []
    for _ in range(20):
        sample = generator.laplace(size=(100, 5))
        halves = ggd.subsets(100, 50, 40, generator)
        ratios.append(np.std([fit_of(sample[h]) for h in halves]) / np.std(fresh))
    assert np.mean(ratios) == pytest.approx(1, abs=0.2)


def fits(alpha, sigma, spread, seed):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "alpha": [alpha, *generator.normal(alpha, spread, 8)],
            "sigma": [sigma, *generator.normal(sigma, spread, 8)],
            "patches": [100] + 8 * [50],
        }
    )


def test_matrix_has_all_ordered_pairs():
    table = matrix.matrix({"b": fits(0.7, 2.7, 0.01, 0), "a": fits(0.6, 2.3, 0.01, 1)})
    assert len(table) == 4
    square = matrix.square(table)
    assert list(square.index) == list(square.columns) == ["a", "b"]
    assert square.loc["a", "a"] == pytest.approx(0, abs=1e-6)
    assert square.loc["b", "a"] == pytest.approx(float(law.distance(law.kl(0.7, 2.7, 0.6, 2.3))))
    assert square.loc["a", "b"] != square.loc["b", "a"]
    off_diagonal = table[table["source"] != table["target"]]
    assert (off_diagonal["distance_std"] > 0).all()
    assert table.dtypes[["kl", "distance", "distance_std"]].eq("float64").all()
