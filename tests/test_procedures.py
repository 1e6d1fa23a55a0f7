"""What the loop does with a procedure of several networks and phases."""

from itertools import chain

import pytest
import torch
from test_training import RECIPE, batches, killed_at, run_training, same
from torch import nn

from grids.backbones import srresnet
from grids.training.loop import Diverged
from grids.training.losses import l1
from grids.training.procedure import NETWORK, Phase, Procedure
from grids.training.schedule import warmup_cosine

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

CHANGE = 7
"""Step of the second phase."""
LEVEL = 3.0
"""A loss that would be a divergence in the first."""


class Toy(Procedure):
    """L1; then squares, with the first layer as it is, and a critic of the targets beside."""

    def __init__(self, highest=2 * LEVEL):
        torch.manual_seed(0)
        network, critic = srresnet.build(features=8, blocks=1), nn.Conv2d(3, 1, 1)
        super().__init__(network, Phase({NETWORK: l1}, 1.0), {"critic": critic})
        losses = {NETWORK: squared, "critic": judged}
        self.second = Phase(losses, highest, frozen=(network.conv_first,))
        self.begun = []

    def phase(self, step):
        return self.second if step >= CHANGE else self.first

    def begin(self, step, batches):
        self.begun.append(step)


def squared(model, source, target):
    return LEVEL + (model(source) - target).square().mean()


def judged(model, source, target):
    return (model(target) - 0.5).square().mean()


def weights(toy):
    return list(chain(toy.network.parameters(), toy.further["critic"].parameters()))


def trained_plainly():
    toy = Toy()
    critic, first_layer = toy.further["critic"], list(toy.network.conv_first.parameters())
    optimizer = torch.optim.AdamW(weights(toy), weight_decay=1e-4)
    for step in range(RECIPE.iterations):
        source, target = batches(step, range(2))
        optimizer.param_groups[0]["lr"] = warmup_cosine(step, 12, 3, 1e-3, 1e-7)
        optimizer.zero_grad()
        if step < CHANGE:
            l1(toy.network, source, target).backward()
        else:
            (squared(toy.network, source, target) + judged(critic, source, target)).backward()
            for weight in first_layer:
                weight.grad = None
        optimizer.step()
    return toy


def test_phases_and_networks_are_those_of_a_plain_loop(tmp_path):
    toy = Toy()
    _, history = run_training(tmp_path, procedure=toy)
    for one, other in zip(weights(toy), weights(trained_plainly()), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert (history["loss"] > LEVEL).tolist() == [False] * 7 + [True] * 5
    assert toy.begun == list(range(12))


@pytest.mark.parametrize("step", [CHANGE - 1, CHANGE, CHANGE + 2])
def test_killed_about_the_change_of_phase_it_goes_on_exactly(tmp_path, step):
    undisturbed, killed, resumed = Toy(), Toy(), Toy()
    run_training(tmp_path / "a", procedure=undisturbed)
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path / "b", killed_at(step), procedure=killed)
    run_training(tmp_path / "b", procedure=resumed)
    assert same(resumed.network, undisturbed.network)
    assert same(resumed.further["critic"], undisturbed.further["critic"])
    assert resumed.begun == list(range(step, 12))


def test_each_phase_has_its_own_highest_loss(tmp_path):
    with pytest.raises(Diverged, match=rf"step {CHANGE + 1} is 3\.\d+"):
        run_training(tmp_path, procedure=Toy(highest=LEVEL))
