"""What holds for every network that has the names of public weights.

Each is the public network, number by number, and a restorer like any other.
"""

import deterministic_fill
import pytest
import torch
import torch.nn.functional as F

from grids.base.plugins import names_in
from grids.models import restorers

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

# The module and its options for each public network.
PUBLIC = {
    "airnet_b5": ("airnet", {"contrast": True}),
    "amirnet_w32": ("amirnet", {"width": 32}),
    "idr_dim30": ("idr", {}),
    "nafnet_w32_sidd": ("nafnet", {}),
    "nafnet_w32_gopro": (
        "nafnet",
        {"encoder": [1, 1, 1, 28], "middle": 1, "decoder": [1, 1, 1, 1]},
    ),
    "promptir": ("promptir", {}),
    "rrdbnet_x1": ("rrdbnet", {}),
    "rrdbnet_x2": ("rrdbnet", {"scale": 2}),
    "rrdbnet_x4": ("rrdbnet", {"scale": 4}),
}

# Forms in which a test takes no time, of all that there are.
SMALL = {
    "airnet": [{"features": 8, "groups": 1, "blocks": 2}],
    "amirnet": [{"width": 4, "encoder": [1, 2], "describing": 4}],
    "idr": [{"dim": 8, "blocks": [1, 1, 1, 1], "refinement": 1, "keys": 4, "routes": [3, 1, 2]}],
    "nafnet": [{"width": 4, "encoder": [1, 2], "middle": 2, "decoder": [2, 1], "shuffle": 2}],
    "promptir": [
        {
            "dim": 8,
            "blocks": [1, 1, 1, 1],
            "refinement": 1,
            "prompt_channels": [4, 8, 12],
            "prompt_sides": [8, 4, 2],
        }
    ],
    "restormer": [{"dim": 8, "blocks": [1, 1, 1, 2], "refinement": 1}],
    "rrdbnet": [
        {"features": 8, "blocks": 1, "growth": 4, "scale": scale, "reduce_input": first}
        for scale, first in ((1, True), (2, True), (4, True), (2, False), (4, False))
    ],
    "srresnet": [{"features": 8, "blocks": 2, "strided": strided} for strided in (False, True)],
}
# The softmax of one number is 1.
WITHOUT_EFFECT = ("resencoder.mask_list.0.",)

FORMS = [pytest.param(name, options, id=name) for name in SMALL for options in SMALL[name]]


def public_output(network, x):
    """What the public network gives, before it is made the size of its input."""
    return network.enlarged(x) if hasattr(network, "enlarged") else network(x)


def small(name, options):
    """All parameters random: those that start at one or zero would hide mistakes."""
    return deterministic_fill.fill(restorers.build(name, options), 0.7).eval()


def test_no_network_is_left_out():
    assert list(SMALL) == list(names_in("backbones"))


@pytest.mark.parametrize("public", PUBLIC)
@torch.no_grad()
def test_names_shapes_and_output_are_those_of_the_public_implementation(public):
    reference = deterministic_fill.reference(public)
    network = restorers.build(*PUBLIC[public]).eval()
    assert len(network.state_dict()) == reference["tensors"]
    assert deterministic_fill.shapes_digest(network) == reference["shapes_sha256"]
    assert sum(p.numel() for p in network.parameters()) == reference["parameters"]
    deterministic_fill.fill(network, reference["gain"])
    filled = sum(t.double().sum().item() for t in network.state_dict().values())
    assert filled == pytest.approx(reference["fill_sum"], rel=1e-9)
    x = deterministic_fill.image(*reference["input"][2:])
    exact = public_output(network.double(), x.double())
    assert deterministic_fill.relative_error(exact, reference["output"]) < 1e-9


@pytest.mark.parametrize(("name", "options"), FORMS)
@pytest.mark.parametrize("size", [(5, 7), (17, 23), (16, 8)])
@torch.no_grad()
def test_shape_is_kept_and_images_of_a_batch_do_not_meet(name, options, size):
    network, x = small(name, options), torch.rand(2, 3, *size)
    restored = network(x)
    assert restored.shape == x.shape
    assert torch.isfinite(restored).all()
    alone = torch.cat([network(image[None]) for image in x])
    assert torch.allclose(restored, alone, atol=1e-4)


@pytest.mark.parametrize(("name", "options"), FORMS)
@pytest.mark.parametrize("value", [None, 0.0])
def test_what_is_trained_gets_finite_gradients(name, options, value):
    network = small(name, options).train()
    x = torch.rand(2, 3, 16, 24) if value is None else torch.full((2, 3, 16, 24), value)
    network(x).square().mean().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), parameter_name
        if parameter.requires_grad:
            assert torch.isfinite(parameter.grad).all(), parameter_name
            used = not parameter_name.startswith(WITHOUT_EFFECT)
            assert value is not None or not used or parameter.grad.any(), parameter_name


@pytest.mark.parametrize(("name", "options"), FORMS)
def test_products_in_bfloat16_change_little(name, options):
    torch.manual_seed(0)
    network = small(name, options)
    x, target = torch.rand(2, 2, 3, 24, 24)
    outputs, gradients = [], []
    for half in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs.append(network(x).float())
        F.l1_loss(outputs[-1], target).backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        )
    exact, rounded = outputs
    assert (exact - rounded).norm() < 0.03 * exact.norm()
    assert F.cosine_similarity(*gradients, dim=0) > 0.99
