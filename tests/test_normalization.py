"""Batch normalization over processes, against torch's on the whole batch."""

import sys
from pathlib import Path

import preloaded
import pytest
import torch
from torch import Tensor, nn

from grids.training import launch
from grids.training.processes import ranks
from grids.training.processes.normalization import OverProcesses, apart, over_processes

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

TESTS = Path(__file__).parent
PROCESSES, SHARE, STEPS = 3, 2, 3
WHOLE = PROCESSES * SHARE
KINDS = {
    "as it is": lambda: nn.BatchNorm2d(4),
    "mean of all batches": lambda: nn.BatchNorm2d(4, momentum=None),
    "quick": lambda: nn.BatchNorm2d(4, momentum=0.7, eps=0.1),
    "without weights": lambda: nn.BatchNorm2d(4, affine=False),
    "without statistics": lambda: nn.BatchNorm2d(4, track_running_stats=False),
}


def network(kind: str) -> nn.Sequential:
    """Two normalizations, so that gradients go through the means of the second to the first."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), KINDS[kind](), nn.Tanh(), nn.Conv2d(4, 4, 2), KINDS[kind]()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(36, 5), nn.BatchNorm1d(5)).double()


def images(step: int) -> Tensor:
    """A batch far from 0, whose samples differ in mean and spread."""
    generator = torch.Generator().manual_seed(step)
    drawn = torch.randn(WHOLE, 3, 6, 6, dtype=torch.float64, generator=generator)
    return 100 + drawn * torch.arange(1, WHOLE + 1)[:, None, None, None]


def trained(made: nn.Sequential, own: range) -> dict[str, Tensor]:
    """What is left of some steps on samples: outputs of each, gradients of the last, and state.

    Of a loss that is no sum of terms of one output each.
    """
    outputs = []
    for step in range(STEPS):
        made.zero_grad()
        x = images(step)[own.start : own.stop].requires_grad_()
        outputs.append(made(x))
        outputs[-1].exp().sum(1).log().mean().backward()
        with torch.no_grad():
            for weight in made.parameters():
                weight.grad = ranks.mean(weight.grad)
                weight -= 0.1 * weight.grad
    left = {f"gradient of {name}": weight.grad for name, weight in made.named_parameters()}
    # Of the mean over the processes.
    left["gradient of the images"] = ranks.gathered(x.grad) / ranks.count()
    left["outputs"] = torch.stack([ranks.gathered(output.detach()) for output in outputs])
    left["in evaluation"] = made.eval()(images(STEPS)).detach()
    return left | made.state_dict()


def in_each_process(weights, say, **_):
    """What is done in each of the processes; the first writes what came of it."""
    (own,), found = ranks.shares(WHOLE, 1), {}
    for kind in KINDS:
        made = network(kind)
        over_processes(made)
        found[kind] = trained(made, own)
    found["order"] = ranks.gathered(torch.tensor([own.start, own.stop - 1]))
    x = torch.randn(SHARE, 4, 5, 5)
    found["half"] = OverProcesses(4)(x.bfloat16())
    if ranks.rank() == 0:
        with apart():  # or it would wait for the others
            found["apart"] = OverProcesses(4)(x), nn.BatchNorm2d(4)(x)
        torch.save(found, weights)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    file = tmp_path_factory.mktemp("found") / "found.pt"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "executable", preloaded.python())
        patched.setenv("PYTHONPATH", f"{TESTS.parent}:{TESTS}")
        arguments = {"weights": str(file), "threads": 1, "device": "cpu"}
        launch.run(in_each_process, arguments, launch.Layout(PROCESSES, 1), print)
    return torch.load(file)


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_as_of_one_process_with_the_whole_batch(found, kind):
    wanted = trained(network(kind), range(WHOLE))
    assert found[kind].keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[kind][name], tensor, rtol=1e-12, atol=1e-12, msg=name)
    assert wanted["gradient of 0.weight"].abs().max() > 1e-3


def test_what_is_gathered_is_in_the_order_of_the_processes(found):
    assert found["order"].tolist() == list(range(WHOLE))


def test_what_a_process_computes_apart_is_torchs_own(found):
    one, other = found["apart"]
    assert torch.equal(one, other)


def test_the_type_stays(found):
    assert found["half"].dtype == torch.bfloat16


def test_one_process_keeps_torchs_own():
    made = network("as it is")
    over_processes(made)
    assert not any(isinstance(module, OverProcesses) for module in made.modules())
