import numpy as np
import pytest
import torch

from grids.base import randomness
from grids.configuration.settings import PACKAGED
from grids.degrading import parameters
from grids.descriptors import srresnet
from grids.images import reading, sets
from grids.similarity import degraded_pies, features, ggd, matrix, severity

SETTINGS = {"components": 4, "clip": 5.0, "counts": [], "replicates": 2}


@pytest.fixture(scope="module")
def clean():
    pixels = [reading.read(path) for path in sets.find("embedded")]
    return [(f"{i}", image[40:72, 8:40]) for i, image in enumerate(pixels)]


@pytest.fixture(scope="module")
def describe():
    return srresnet.describer(srresnet.load(PACKAGED), "hr")


def law_of(patches, describe):
    seen = features.features(np.stack([p for _, p in patches]), describe, torch.device("cpu"))
    generator = randomness.generator(randomness.key(0, "half-samples"))
    return ggd.estimate(features.gram(seen), generator, **SETTINGS)


def test_a_severity_is_a_pies_set_with_these_parameters(clean, describe):
    clean_law = law_of(clean, describe)
    steps = parameters.severities("gaussian_blur")[::2]
    table = severity.distances(
        steps, "gaussian_blur", clean, clean_law, describe, SETTINGS, 0, torch.device("cpu")
    )
    for step, row in zip(steps, table.itertuples(), strict=True):
        patches, measures = degraded_pies.degraded_patches(clean, "gaussian_blur", step, 0)
        expected = matrix.between(clean_law, law_of(patches, describe))
        assert row.distance == expected["distance"]
        assert row.psnr_db == measures["psnr_db"].mean()
    assert table["psnr_db"].is_monotonic_decreasing
    assert table["distance"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("name", "values", "changed", "expected"),
    [
        # By logarithms a sixth, a half and five sixths of the way from 2 to 16.
        ("gaussian_noise", {"sigma": [2.0, 16.0]}, "sigma", [1, 2 * 2**0.5, 2**2.5, 2**3.5, 32]),
        # More of it is milder, it is whole, and ends at what is possible.
        ("jpeg", {"quality": [2, 64]}, "quality", [100, 36, 11, 4, 1]),
        ("poisson_noise", {"scale": 100.0}, "scale", [200, 100, 100, 100, 50]),
        ("salt_pepper_noise", {"amount": [0.0, 0.6]}, "amount", [0, 0.1, 0.3, 0.5, 1]),
        ("gaussian_blur", {"sigma": [1.0, 1.0], "size": 15}, "size", [15] * 5),
        ("inpainting", {"lines": [4, 4], "thickness": [2.0, 3.0]}, "lines", [2, 4, 4, 4, 8]),
    ],
)
def test_strengths_reach_from_half_the_mildest_to_twice_the_strongest(
    name, values, changed, expected
):
    found = parameters.strengths(name, values)
    # What makes nothing stronger stays as it is.
    assert all(step.get("thickness") == values.get("thickness") for step in found.values())
    assert [*found] == ["milder", "weak", "medium", "strong", "stronger"]
    assert [step[changed] for step in found.values()] == pytest.approx(expected)
    kind = type(parameters.specification(name)[changed]["range"][0])
    assert all(isinstance(step[changed], kind) for step in found.values())
