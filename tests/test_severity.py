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
