"""The procedure `airnet`: its losses, its memory, and the crops that it compares."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_training import RECIPE, batches, run_training

from grids.backbones import airnet
from grids.base import randomness
from grids.base.errors import InputError
from grids.degrading import operators
from grids.training.loop import Execution
from grids.training.procedure import NETWORK, Contents, Task, build
from grids.training.restoration_batches import restoration, settled

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

IMAGES = torch.rand(3, 2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
# Of plain noise and of a chain.
NOISE = {"sigma": [10.0, 50.0]}
CHAIN = {
    "chain": [
        {"degradation": "gaussian_noise", "probability": 0.7, "values": NOISE},
        {"degradation": "jpeg", "probability": 1.0, "values": {"quality": [10, 40]}},
    ],
    "order": "shuffled",
}


def procedure(**options):
    torch.manual_seed(0)
    network = airnet.build(features=8, groups=1, blocks=1)
    given = {"contrast_share": 0.5, "batches_remembered": 3} | options
    return build("airnet", network, Task(12, 2, print), given)


def test_losses_are_those_of_the_networks_own_contrast():
    made, other = procedure(contrast_weight=0.5), procedure()
    made.begin(0, batches)
    contrast = other.further["contrast"]
    source, target, second = IMAGES
    guide, logits = contrast(source, second)
    entropy = F.cross_entropy(logits, torch.zeros(2, dtype=torch.long))
    first = made.phase(0).losses[NETWORK](made.network, source, target, second)
    assert torch.allclose(first, entropy)
    made.finish(0)
    assert torch.equal(made.further["contrast"].queue, contrast.queue)
    assert made.further["contrast"].queue_ptr.tolist() == [2]

    both = procedure(contrast_weight=0.5)
    both.begin(6, batches)
    found = both.phase(6).losses[NETWORK](both.network, source, target, second)
    wanted = (other.network.R(source, guide) - target).abs().mean() + 0.5 * entropy
    assert torch.allclose(found, wanted)


def test_the_first_phase_trains_the_encoder_alone(tmp_path):
    made = procedure()
    start = {name: tensor.clone() for name, tensor in made.network.named_parameters()}
    keys = [tensor.clone() for tensor in made.further["contrast"].encoder_k.parameters()]

    def changed():
        return {
            name.partition(".")[0]
            for name, tensor in made.network.named_parameters()
            if not torch.equal(tensor, start[name])
        }

    seen = {}

    def watched(step, samples):
        seen[step] = changed()
        return batches(step, samples)

    execution = Execution(workers=0, validation=0)
    run_training(tmp_path, watched, RECIPE, execution=execution, procedure=made)
    assert seen[6] == {"E"}
    assert changed() == {"E", "R"}
    now = made.further["contrast"].encoder_k.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(keys, now, strict=True))
    # Six keys in the queue, two a step: it went round four times.
    assert made.further["contrast"].queue_ptr.tolist() == [0]
    assert not any("queue" in name for name in made.network.state_dict())


def test_all_of_contrast_is_refused():
    with pytest.raises(InputError, match=r"airnet\.contrast_share: must be below 1, got 1\.5"):
        procedure(contrast_share=1.5)


class TestSamples:
    @staticmethod
    def made(group, weights=None, **contents):
        generator = np.random.default_rng(0)
        photographs = [generator.integers(0, 256, (40, 50, 3), dtype=np.uint8) for _ in range(3)]
        photographs += [np.full((30, 30, 3), 128, np.uint8)]
        return restoration(
            photographs,
            group,
            patch=16,
            weights=weights or dict.fromkeys(group, 1.0),
            seed=0,
            device=torch.device("cpu"),
            contents=Contents(**contents),
        )

    def test_what_is_asked_beside_changes_no_first_crop(self):
        group = {"noise": CHAIN, "jpeg": {"quality": [10, 40]}}
        plain = self.made(group)(3, range(6))
        more = self.made(group, second=True)(3, range(6))
        assert all(torch.equal(a, b) for a, b in zip(plain, more, strict=False))
        assert more[2].shape == more[0].shape
        parts = [self.made(group, second=True)(3, part)[2] for part in (range(2), range(2, 6))]
        assert torch.equal(torch.cat(parts), more[2])

    def test_degradations_come_in_turn(self):
        """Told apart by whether anything is changed."""
        strong = {"degradation": "gaussian_noise", "probability": 1.0, "values": {"sigma": 50}}
        group = {"gaussian_noise": {"sigma": 0}, "strong": {"chain": [strong], "order": "given"}}
        for step in (4, 5):
            source, target = self.made(group, in_turn=True)(step, range(6))
            clean = (source == target).flatten(1).all(1).tolist()
            assert clean == [(step + sample) % 2 == 0 for sample in range(6)]

    def test_unequal_weights_are_refused(self):
        weights = {"gaussian_noise": 1.0, "jpeg": 2.0}
        group = {"gaussian_noise": NOISE, "jpeg": {"quality": 10}}
        with pytest.raises(InputError, match=r"training\.weights: .* equally often"):
            self.made(group, weights, in_turn=True)

    @pytest.mark.parametrize("values", [NOISE, CHAIN])
    def test_settled_values_are_drawn_again_whatever_the_key(self, values):
        for key in range(20):
            numbers = operators.drawn("gaussian_noise", values, key)
            assert operators.drawn("gaussian_noise", settled(numbers), key + 100) == numbers

    def test_the_second_crop_has_the_numbers_of_the_first_and_noise_of_its_own(self):
        group = {"gaussian_noise": NOISE}
        source, target, second = self.made(group, second=True)(0, range(24))
        flat = [i for i in range(24) if target[i].std() == 0]
        assert len(flat) > 2
        for i in flat:
            key = randomness.key(0, "gaussian_noise", "training", 0, i)
            sigma = operators.drawn("gaussian_noise", NOISE, key)["sigma"]
            assert 255 * second[i].std() == pytest.approx(sigma, rel=0.1)
            assert not torch.equal(source[i], second[i])
