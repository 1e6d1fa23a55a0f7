"""The procedure `idr`: its two stages, its tasks, and the steps of one degradation."""

import json
import math
from dataclasses import replace

import pytest
import test_airnet_procedure
import torch
from test_airnet_procedure import CHAIN, NOISE
from test_training import RECIPE, batches, run_training
from tiny_procedures import TINY, built

from grids.backbones import idr
from grids.base.errors import InputError
from grids.base.plugins import names_in
from grids.training import tried
from grids.training.loop import Execution
from grids.training.procedure import NETWORK, Task, build
from grids.training.procedures.idr import TASKS

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

samples = test_airnet_procedure.TestSamples.made
SOURCE, TARGET = torch.rand(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def procedure(degradations=("sr", "gaussian_noise"), routes=(1, 1, 2, 3, 2), **options):
    torch.manual_seed(0)
    network = idr.build(**TINY["idr"].sizes | {"routes": list(routes)})
    return build("idr", network, Task(12, 2, print, degradations), options)


@pytest.mark.parametrize(("number", "task"), [(0, 3), (1, 0)])
def test_the_first_stage_is_of_one_task(number, task):
    made = procedure()
    loss = made.phase(0).losses[NETWORK](made.network, SOURCE, TARGET, torch.tensor([number] * 2))
    own = made.network.explained(SOURCE, task)
    wanted = (own.restored - TARGET).abs().mean()
    for estimate, shares in zip(own.estimates, own.shares, strict=True):
        small = idr.reduced(TARGET, estimate.shape[-2:])
        wanted = wanted + (estimate - small).abs().mean()
        for image in shares:  # as in the authors' code, of two images
            for other, share in enumerate(image.tolist()):
                label = 0.9 if other == task else 0.025
                wanted = wanted - 0.01 * label * math.log(share) / 2
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    for part in made.phase(0).frozen:
        part.requires_grad_(False)
    loss.backward()
    # Of all that is trained, as processes that exchange gradients need it.
    for name, weight in made.network.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name
    keys = made.network.degra_key.grad.abs().amax((1, 2))
    assert [key > 0 for key in keys] == [other == task for other in range(5)]


def test_patches_of_any_side_are_mirrored_up():
    made = procedure()
    source, target = SOURCE[..., :12, :13], TARGET[..., :12, :13]
    loss = made.phase(11).losses[NETWORK](made.network, source, target, torch.tensor([0, 1]))
    mirrored = [torch.nn.functional.pad(x, (0, 3, 0, 4), mode="reflect") for x in (source, target)]
    own = made.network.explained(mirrored[0])
    wanted = (made.network(source) - target).abs().mean()
    for estimate in own.estimates:
        wanted = wanted + (estimate - idr.reduced(mirrored[1], estimate.shape[-2:])).abs().mean()
    assert torch.allclose(loss, wanted)


def test_keys_are_of_the_first_stage_and_what_mixes_them_of_the_second(tmp_path):
    made, recipe = built("idr", 4), replace(RECIPE, iterations=4)
    parts = {"keys": made.network.degra_key, "mixer": made.network.dmixer.convU.weight}
    seen = {}

    def watched(step, samples):
        seen[step] = {name: weight.detach().clone() for name, weight in parts.items()}
        return batches(step, samples)

    execution = Execution(workers=0, validation=0)
    run_training(tmp_path, watched, recipe, execution=execution, procedure=made)
    assert not torch.equal(seen[0]["keys"], seen[2]["keys"])
    assert torch.equal(seen[2]["keys"], parts["keys"])
    assert torch.equal(seen[0]["mixer"], seen[2]["mixer"])
    assert not torch.equal(seen[2]["mixer"], parts["mixer"])


def test_every_degradation_here_has_a_task_of_the_authors():
    assert sorted(TASKS) == sorted(names_in("degradations"))
    assert sorted(set(TASKS.values())) == [1, 2, 3, 4, 5]


WRONG = [
    ({"first_share": 1.0}, {}, r"^procedures\.idr\.first_share: must be below 1, got 1\.0"),
    ({}, {"degradations": ["sr", "camera"]}, r"^procedures\.idr\.tasks: none for camera; give"),
    ({"tasks": {"sr": 6}}, {}, r"^procedures\.idr\.tasks: 6 for sr, but .* has the tasks 1 to 5"),
    ({"tasks": {"sr": "blur"}}, {}, r"^procedures\.idr\.tasks: 'blur' for sr, but backb"),
    ({}, {"routes": [1, 2]}, r"^procedures\.idr\.tasks: 4 for sr, but .* has the tasks 1 to 2"),
]


@pytest.mark.parametrize(("options", "others", "message"), WRONG)
def test_tasks_that_the_network_has_not_are_refused(options, others, message):
    with pytest.raises(InputError, match=message) as error:
        procedure(**options, **others)
    assert "\n" not in str(error.value)


def test_what_does_not_fit_is_found_without_a_training():
    task = {"iterations": 10, "batch": 2, "degradations": ["camera", "sr"]}
    even = {"camera": 0.5, "sr": 0.5}
    entry = ["", "procedure", "idr", {}, "idr", {"tasks": {"camera": 1}}, task, even]
    tried.main(json.dumps([entry, ["", "procedure", "airnet", {}, "airnet", {}, task, even]]))
    with pytest.raises(SystemExit, match=r"^procedures\.idr\.tasks: none for camera"):
        tried.main(json.dumps([entry, ["", "procedure", "idr", {}, "idr", {}, task, even]]))
    sizes = {"routes": [4]}
    with pytest.raises(SystemExit, match=r"^backbones\.idr\.routes: 1 adds, 2 scales"):
        tried.main(json.dumps([["", "procedure", "idr", sizes, "idr", {}, task, even]]))
    uneven = {"camera": 0.7, "sr": 0.3}
    with pytest.raises(SystemExit, match=r"^training\.weights: this training\.procedure has all"):
        tried.main(json.dumps([["", "procedure", "airnet", {}, "airnet", {}, task, uneven]]))


class TestSteps:
    def test_of_the_first_stage_have_one_degradation_each(self):
        group = {"jpeg": {"quality": [10, 40]}, "noise": CHAIN, "other": {**CHAIN}}
        weights = {"jpeg": 1.0, "noise": 2.0, "other": 1.0}
        made = samples(group, weights, alone=200)
        numbers = torch.stack([made(step, range(3))[2] for step in range(200)])
        assert (numbers == numbers[:, :1]).all()
        counts = torch.bincount(numbers[:, 0], minlength=3).tolist()
        assert counts == pytest.approx([50, 100, 50], abs=25)
        later = made(200, range(40))[2]
        assert len(later.unique()) == 3
        assert len(made(-1, range(40))[2].unique()) == 3, "of the validation as well"

    def test_are_otherwise_as_ever(self):
        group = {"gaussian_noise": NOISE, "jpeg": {"quality": [10, 40]}}
        plain, more = samples(group), samples(group, alone=1)
        for step in (-1, 1, 2):
            pairs = zip(plain(step, range(4)), more(step, range(4)), strict=False)
            assert all(torch.equal(a, b) for a, b in pairs)
        assert torch.equal(plain(0, range(4))[1], more(0, range(4))[1])
