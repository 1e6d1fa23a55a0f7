"""The network that tells classes apart: what it computes, and what it learns."""

import numpy as np
import torch

from grids.selection import discriminant
from grids.selection.fitting import learning
from grids.selection.network import Network


def test_it_computes_what_torch_does():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3))
    first, _, second = layers.double()
    network = Network(
        *(
            array.detach().numpy()
            for array in (first.weight.T, first.bias, second.weight.T, second.bias)
        )
    )
    vectors = torch.randn(4, 5, dtype=torch.float64)
    np.testing.assert_allclose(network.logits(vectors.numpy()), layers(vectors).detach().numpy())


def rings(generator, count):
    """Two classes with one centre, of which the second lies around the first."""
    labels = np.arange(count) % 2
    points = generator.normal(size=(count, 2)) * 0.3
    angles = generator.uniform(0, 2 * np.pi, count)
    around = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # One of the statistics in other units.
    return (points + around * labels[:, None]) * [1, 1000] + [5, 0], labels


def test_it_learns_what_no_plane_parts():
    vectors, labels = rings(np.random.default_rng(0), 400)
    fresh, truth = rings(np.random.default_rng(1), 400)
    network = learning.learned(vectors, labels)
    assert (network.logits(fresh).argmax(axis=1) == truth).mean() > 0.97
    by_planes = discriminant.fit(vectors, labels).squared_distances(fresh).argmin(axis=1)
    assert (by_planes == truth).mean() < 0.7


def test_it_is_the_same_each_time_and_leaves_the_draws_of_others_alone():
    vectors, labels = rings(np.random.default_rng(0), 60)
    torch.manual_seed(3)
    first = torch.rand(1)
    torch.manual_seed(3)
    network = learning.learned(vectors, labels)
    assert torch.rand(1) == first
    again = learning.learned(vectors, labels)
    for name, array in vars(network).items():
        np.testing.assert_array_equal(array, getattr(again, name))
