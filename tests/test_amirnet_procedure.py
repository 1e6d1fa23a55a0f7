"""The procedure `amirnet`: its loss, its clusters, and how its tree grows."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity as of_skimage
from test_training import AT_THE_END, RECIPE, batches, run_training, same
from tiny_procedures import TINY, built

from grids.backbones import amirnet
from grids.base.errors import InputError
from grids.training.losses import structural_similarity
from grids.training.procedure import NETWORK, Task, build
from grids.training.procedures.amirnet import Tree, two_means

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine


def procedure(levels=3, **options):
    torch.manual_seed(0)
    network = amirnet.build(**TINY["amirnet"].sizes | {"levels": levels})
    return build("amirnet", network, Task(12, 2, print), TINY["amirnet"].options | options)


def test_structural_similarity_is_that_of_its_authors():
    generator = np.random.default_rng(0)
    one, other = generator.random((2, 20, 23, 3), np.float32)
    wanted = of_skimage(
        one,
        other,
        channel_axis=-1,
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    tensors = (torch.from_numpy(image).permute(2, 0, 1)[None] for image in (one, other))
    assert structural_similarity(*tensors).item() == pytest.approx(wanted, abs=1e-5)
    alike = torch.rand(2, 3, 16, 16)
    assert structural_similarity(alike, alike).item() == pytest.approx(1)


def test_the_loss_is_the_sum_of_restoring_and_telling():
    made = procedure(tree_weight=0.5, similarity_share=0.25)
    for step in range(7):
        made.begin(step, batches)
    source, target = batches(50, range(2))
    restored, said = made.network.explained(source)
    error = (restored - target).abs()
    smooth = torch.where(error < 0.03, error**2 / 0.06, error - 0.015).mean()
    labels = made.tree.labels(source, target, 3)
    wanted = 0.75 * smooth + 0.25 * (1 - structural_similarity(restored, target))
    for mask, label in zip(said.masks, labels, strict=True):
        wanted = wanted + 0.5 * F.cross_entropy(mask, label)
    loss = made.phase(6).losses[NETWORK](made.network, source, target)
    assert torch.allclose(loss, wanted, atol=1e-6)
    assert loss < made.phase(6).highest_loss


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 3), st.booleans())
@settings(max_examples=40, deadline=None)
def test_two_means_are_those_of_the_points_nearest_to_them(seed, count, length, whole):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, length, generator=generator, dtype=torch.float64)
    if whole:  # with many that are alike
        points = points.round()
    centres = two_means(points)
    upper = torch.cdist(points, centres).argmin(1) == 1
    for number, own in enumerate((points[~upper], points[upper])):
        if len(own):
            assert torch.allclose(own.mean(0), centres[number])
    assert torch.equal(two_means(points), centres)


def test_two_means_find_what_is_apart_and_bear_what_is_not():
    points = torch.tensor([[0.0, 5.0], [0.1, 4.0], [0.0, -5.0], [0.2, -4.0]])
    assert torch.allclose(two_means(points), torch.tensor([[0.1, -4.5], [0.05, 4.5]]))
    assert torch.equal(two_means(points[:0]), torch.zeros(2, 2))
    assert torch.equal(two_means(points[:1]), points[[0, 0]])


def test_a_level_is_the_clusters_within_the_leaves_of_the_one_before():
    torch.manual_seed(0)
    network = amirnet.build(**TINY["amirnet"].sizes)
    tree, pair = Tree(network.resencoder, 3).train(), batches(0, range(24))
    describer = network.resencoder
    tree.grow(1, describer, [pair])
    first = tree.labels(*pair, 2)[1]
    with torch.no_grad():
        for weight in describer.parameters():
            weight.mul_(1.2)  # as the training goes on
    tree.grow(2, describer, [tuple(part[:10] for part in pair), tuple(part[10:] for part in pair)])
    root, again, second = tree.labels(*pair, 3)
    assert not root.any()
    assert torch.equal(again, first), "a level stays as it is"
    assert torch.equal(second // 2, first)
    assert len(second.unique()) == 4
    # By hand: predictions in evaluation, at the own branches, and k-means in a leaf.
    describer.eval()
    with torch.no_grad():
        said = [describer(part, 2).predictions for part in pair]
    for leaf in (0, 1):
        own = first == leaf
        points = torch.stack([(said[0][k] - said[1][k])[own, (0, leaf)[k]] for k in (0, 1)], 1)
        nearest = torch.cdist(points, two_means(points)).argmin(1)
        assert torch.equal(second[own], 2 * leaf + nearest)


def test_it_grows_by_its_schedule_and_the_network_is_told_of_what_there_is(tmp_path):
    made, seen = built("amirnet", RECIPE.iterations), {}
    begin = made.begin

    def watched(step, step_batches):
        begin(step, step_batches)
        grown = [bool(centres.any()) for centres in made.tree.centres]
        seen[step] = made.network.levels, grown

    made.begin = watched
    run_training(tmp_path, execution=AT_THE_END, procedure=made)
    growth = [(1, [False] * 2), (2, [True, False]), (3, [True] * 2), (3, [True] * 2)]
    assert [seen[step] for step in range(12)] == [stage for stage in growth for _ in range(3)]
    # The encoders that clusters are of are not those of later steps.
    first, second = made.tree.describers
    assert not same(first, second)
    assert not same(second, made.network.resencoder)


def test_masks_learn_their_branches():
    """That of few samples, over and over."""
    made, pair = procedure(similarity_share=0.1), batches(0, range(8))
    made.begin(3, lambda step, samples: pair)
    optimizer = torch.optim.AdamW(made.network.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        made.phase(3).losses[NETWORK](made.network, *pair).backward()
        optimizer.step()
    with torch.no_grad():
        mask = made.network.explained(pair[0])[1].masks[1]
    assert torch.equal(mask.argmax(1), made.tree.labels(*pair, 2)[1])
    bound = math.log(1 + math.exp(-1))
    assert F.cross_entropy(mask, mask.argmax(1)).item() < bound + 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"growth_share": 0.5},
            r"^procedures\.amirnet\.growth_share: must be below 0\.50 .* 3",
        ),
        ({"similarity_share": 2.0}, r"^procedures\.amirnet\.similarity_share: must be 1 at most"),
    ],
)
def test_shares_that_are_too_large_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        procedure(**options)
    assert procedure(levels=1, growth_share=0.5).network.levels == 1
