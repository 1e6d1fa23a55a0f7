"""The procedure `realesrgan`: its discriminator, its perceptual distance, its losses."""

import pytest
import torch
import torch.nn.functional as F
from test_training import EVERY_STEP, RECIPE, batches, run_training
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from grids.backbones import srresnet
from grids.base.errors import InputError
from grids.training import perceptual
from grids.training.discriminator import NormalisedConvolution, UNetDiscriminator
from grids.training.procedure import NETWORK, Task, build

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def procedure(say=lambda line: None, **options):
    torch.manual_seed(0)
    network = srresnet.build(features=8, blocks=1)
    return build("realesrgan", network, Task(10, say), {"features": 4, **options})


def test_the_discriminator_has_the_published_size():
    with torch.device("meta"):
        assert sum(p.numel() for p in UNetDiscriminator(64).parameters()) == 4_376_897


@pytest.mark.parametrize("size", [(16, 24), (17, 30)])
def test_the_discriminator_judges_each_pixel(size):
    torch.manual_seed(0)
    images = torch.rand(2, 3, *size)
    judged = UNetDiscriminator(4)(images)
    assert judged.shape == (2, 1, *size)


def test_the_norm_is_that_of_torch_and_of_the_singular_values():
    torch.manual_seed(0)
    own = NormalisedConvolution(6, 10, 3)
    torchs = nn.Conv2d(6, 10, 3, padding=1, bias=False)
    torchs.weight.data.copy_(own.weight)
    spectral_norm(torchs, n_power_iterations=200)
    for _ in range(200):
        own.iterate()
    images = torch.rand(1, 6, 8, 8)
    wanted = torchs.train()(images)
    assert torch.allclose(own(images), wanted, atol=1e-5)
    largest = torch.linalg.matrix_norm(own.weight.flatten(1), 2)
    assert torch.allclose(own(images) * largest, F.conv2d(images, own.weight, padding=1), atol=1e-5)
    for weight, output in (
        (own.weight, own(images)),
        (torchs.parametrizations.weight.original, wanted),
    ):
        output.square().sum().backward()
        assert weight.grad is not None
    assert torch.allclose(own.weight.grad, torchs.parametrizations.weight.original.grad, atol=1e-4)


def test_forward_passes_leave_the_state_as_it_is():
    torch.manual_seed(0)
    discriminator = UNetDiscriminator(4)
    before = {name: tensor.clone() for name, tensor in discriminator.state_dict().items()}
    discriminator.train()(IMAGES)
    assert all(torch.equal(t, before[n]) for n, t in discriminator.state_dict().items())
    discriminator.iterate()
    assert not torch.equal(discriminator.conv1.u, before["conv1.u"])


def test_losses_are_those_of_the_two_players():
    made = procedure(l1_weight=2.0, gan_weight=0.5)
    network, judge = made.network, made.further["discriminator"]
    source, target = IMAGES, IMAGES.flip(3)
    second = made.phase(9)
    restored = network(source)
    fake, real = judge(restored), judge(target)
    entropy = F.binary_cross_entropy_with_logits
    wanted = 2 * (restored - target).abs().mean() + 0.5 * entropy(fake, torch.ones_like(fake))
    loss = second.losses[NETWORK](network, source, target)
    assert torch.allclose(loss, wanted)
    loss.backward()
    assert all(weight.grad is None for weight in judge.parameters())
    assert all(weight.grad is not None for weight in network.parameters())
    network.zero_grad(set_to_none=True)
    wanted = entropy(real, torch.ones_like(real)) + entropy(fake, torch.zeros_like(fake))
    loss = second.losses["discriminator"](judge, source, target)
    assert torch.allclose(loss, wanted)
    loss.backward()
    assert all(weight.grad is None for weight in network.parameters())


def test_the_first_phase_is_l1_and_leaves_the_discriminator_alone(tmp_path):
    made = procedure(l1_share=0.5)
    assert [made.phase(step) is made.first for step in (0, 4, 5, 9)] == [True, True, False, False]
    weight = made.further["discriminator"].conv0.weight
    before = weight.clone()
    recipe = RECIPE.__class__(iterations=10, batch=2, learning_rate=1e-3)

    def watched(step, samples):
        if step <= 5:
            assert torch.equal(weight, before)
        return batches(step, samples)

    execution = EVERY_STEP.__class__(workers=0, validation=0)
    run_training(tmp_path, watched, recipe, execution=execution, procedure=made)
    assert not torch.equal(weight, before)


def test_a_share_of_all_is_refused():
    with pytest.raises(InputError, match=r"realesrgan\.l1_share: must be below 1, got 1\.0"):
        procedure(l1_share=1.0)


class TestPerceptualTerm:
    @pytest.fixture
    def narrow(self, monkeypatch):
        """A VGG19 of a sixteenth of the channels."""
        widths = tuple(width // 16 for width in perceptual.WIDTHS)
        monkeypatch.setattr(perceptual, "WIDTHS", widths)

    @staticmethod
    def written(path):
        """Weights by torchvision's names, a classifier among them."""
        torch.manual_seed(1)
        state, before, number = {}, 3, 0
        for width in perceptual.WIDTHS:
            if width:
                convolution = nn.Conv2d(before, width, 3, padding=1)
                state[f"features.{number}.weight"] = convolution.weight.detach()
                state[f"features.{number}.bias"] = convolution.bias.detach()
                before, number = width, number + 2
            else:
                number += 1
        torch.save(state | {"classifier.0.weight": torch.ones(2)}, path)
        return state

    def test_is_the_sum_over_five_layers(self, tmp_path, narrow):
        state = self.written(tmp_path / "vgg.pth")
        assert [int(name.split(".")[1]) for name in state][::2] == [
            *(0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
        ]
        one, other = IMAGES, IMAGES.flip(2)
        mean, deviation = (
            torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )
        x, y, wanted = (one - mean) / deviation, (other - mean) / deviation, 0.0
        for number in range(35):
            if f"features.{number}.weight" in state:
                arguments = state[f"features.{number}.weight"], state[f"features.{number}.bias"]
                x, y = (F.conv2d(z, *arguments, padding=1) for z in (x, y))
                weight = {2: 0.1, 7: 0.1, 16: 1, 25: 1, 34: 1}.get(number, 0)
                wanted += weight * (x - y).abs().mean()
            elif number in (4, 9, 18, 27):
                x, y = F.max_pool2d(x, 2), F.max_pool2d(y, 2)
            else:
                x, y = x.relu(), y.relu()
        found = perceptual.PerceptualDistance(tmp_path / "vgg.pth")(one, other)
        assert torch.allclose(found, wanted)

    def test_counts_where_there_is_a_file_and_is_said_to_miss_where_there_is_none(
        self, tmp_path, narrow
    ):
        self.written(tmp_path / "vgg.pth")
        lines = []
        without = procedure(lines.append)
        assert lines == ["procedures.realesrgan.vgg: not given, so there is no perceptual term"]
        made = procedure(lines.append, vgg=str(tmp_path / "vgg.pth"), perceptual_weight=3.0)
        assert len(lines) == 1
        assert list(made.further) == ["discriminator"], "what never changes is no state"
        pair = IMAGES, IMAGES.flip(3)
        losses = [each.phase(9).losses[NETWORK](each.network, *pair) for each in (without, made)]
        with torch.no_grad():
            distance = made.distance(made.network(pair[0]), pair[1])
        assert torch.allclose(losses[1] - losses[0], 3 * distance, atol=1e-6)

    def test_another_network_is_named(self, tmp_path, narrow):
        state = self.written(tmp_path / "vgg.pth")
        del state["features.34.bias"]
        torch.save(state, tmp_path / "other.pth")
        with pytest.raises(InputError, match=r"other\.pth: tensor 'features\.34\.bias' is missing"):
            procedure(vgg=str(tmp_path / "other.pth"))
