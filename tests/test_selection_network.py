"""The networks that tell classes apart: what they compute and learn."""

import numpy as np
import torch

from grids.selection import discriminant
from grids.selection.fitting import learning
from grids.selection.network import Network


def test_it_computes_what_torch_does():
    torch.manual_seed(0)
    members = [
        [torch.nn.Linear(*sizes, dtype=torch.float64) for sizes in ((5, 7), (7, 6), (6, 3))]
        for _ in range(3)
    ]
    arrays = [
        np.stack([array.detach().numpy() for array in arrays])
        for layers in zip(*members, strict=True)
        for arrays in (
            [layer.weight.T for layer in layers],
            [layer.bias[None] for layer in layers],
        )
    ]
    vectors = torch.randn(4, 5, dtype=torch.float64)
    logits = []
    for first, second, output in members:
        logits.append(output(second(first(vectors).relu()).relu()))
    wanted = torch.stack(logits).mean(dim=0).detach().numpy()
    np.testing.assert_allclose(Network(*arrays).logits(vectors.numpy()), wanted)


def rings(generator, count):
    """Two classes with one centre, of which the second lies around the first."""
    labels = np.arange(count) % 2
    points = generator.normal(size=(count, 2)) * 0.3
    angles = generator.uniform(0, 2 * np.pi, count)
    around = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points + around * labels[:, None], labels


def test_it_learns_what_no_plane_parts():
    vectors, labels = rings(np.random.default_rng(0), 400)
    fresh, truth = rings(np.random.default_rng(1), 400)
    network = learning.learned(vectors, labels, np.arange(400) % 4)
    assert (network.logits(fresh).argmax(axis=1) == truth).mean() > 0.97
    by_planes = discriminant.fit(vectors, labels).squared_distances(fresh).argmin(axis=1)
    assert (by_planes == truth).mean() < 0.7


def test_it_is_the_same_each_time_and_leaves_the_draws_of_others_alone():
    vectors, labels = rings(np.random.default_rng(0), 60)
    torch.manual_seed(3)
    first = torch.rand(1)
    torch.manual_seed(3)
    network = learning.learned(vectors, labels, np.arange(60) % 4)
    assert torch.rand(1) == first
    again = learning.learned(vectors, labels, np.arange(60) % 4)
    for name, array in vars(network).items():
        np.testing.assert_array_equal(array, getattr(again, name))
