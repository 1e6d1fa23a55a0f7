import deterministic_fill
import pytest
import torch
import torch.nn.functional as F
from plain_naf import plain_block

from grids.backbones import _naf, nafnet
from grids.base.errors import InputError
from grids.models import restorers

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

GOPRO = {"encoder": [1, 1, 1, 28], "middle": 1, "decoder": [1, 1, 1, 1]}
SMALL = {"width": 4, "encoder": [1, 2], "middle": 2, "decoder": [2, 1]}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def small(**options):
    """All parameters random: those that start at one or zero would hide mistakes."""
    return deterministic_fill.fill(nafnet.build(**SMALL | options))


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, 29_159_715),
        (GOPRO, 17_111_907),
        ({"width": 64}, 115_982_915),
        (GOPRO | {"width": 64}, 67_888_835),
    ],
)
def test_parameter_counts_of_the_public_networks(options, parameters):
    with torch.device("meta"):
        network = nafnet.build(**options)
    assert sum(p.numel() for p in network.parameters()) == parameters


def plain_nafnet(p, x, encoder, middle, decoder, shuffle):
    def stage(name, y, count):
        for i in range(count):
            y = plain_block(p, f"{name}.{i}", y)
        return y

    def conv(name, y, **options):
        return F.conv2d(y, p[f"{name}.weight"], p.get(f"{name}.bias"), **options)

    y = conv("intro", F.pixel_unshuffle(x, shuffle), padding=1)
    skips = []
    for level, count in enumerate(encoder):
        y = stage(f"encoders.{level}", y, count)
        skips.append(y)
        y = conv(f"downs.{level}", y, stride=2)
    y = stage("middle_blks", y, middle)
    for level, count in enumerate(decoder):
        y = F.pixel_shuffle(conv(f"ups.{level}.0", y), 2) + skips[-1 - level]
        y = stage(f"decoders.{level}", y, count)
    return F.pixel_shuffle(conv("ending", y, padding=1), shuffle) + x


@pytest.mark.parametrize("shuffle", [1, 2])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@torch.no_grad()
def test_output_is_that_of_the_plain_formulas(shuffle, memory):
    network = small(shuffle=shuffle).double().to(memory_format=memory)
    x = torch.rand(2, 3, 16, 8, dtype=torch.float64).contiguous(memory_format=memory)
    sizes = (SMALL[name] for name in ("encoder", "middle", "decoder"))
    plain = plain_nafnet(network.state_dict(), x, *sizes, shuffle)
    assert torch.allclose(network(x), plain, rtol=1e-12, atol=1e-12)
    assert (plain - x).abs().mean() > 0.1


def test_gradients_of_a_block_are_those_of_the_plain_formulas():
    block = deterministic_fill.fill(_naf.Block(4)).double()
    parameters = dict(block.named_parameters(prefix="a"))
    x, against = torch.randn(2, 2, 4, 5, 6, dtype=torch.float64)
    wanted = [x.requires_grad_(), *parameters.values()]
    own = torch.autograd.grad((block(x) * against).sum(), wanted)
    plain = torch.autograd.grad((plain_block(parameters, "a", x) * against).sum(), wanted)
    for one, other in zip(own, plain, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("shuffle", "size"),
    [(n, size) for n in (1, 2, 3) for size in ((1, 1), (5, 2), (5, 6), (17, 23))],
)
@torch.no_grad()
def test_sides_are_filled_up_at_the_right_and_below_with_zeros_or_mirrored(size, shuffle):
    network, x = small(shuffle=shuffle), torch.rand(2, 3, *size)
    right, below = (-side % (4 * shuffle) for side in (size[1], size[0]))
    # What cannot be mirrored is continued by its edge.
    mirrored = "reflect" if right < size[1] and below < size[0] else "replicate"
    padded = F.pad(x, (0, right, 0, below), "constant" if shuffle == 1 else mirrored)
    assert torch.equal(network(x), network(padded)[..., : size[0], : size[1]])


def test_a_fresh_block_is_the_identity():
    x = torch.rand(1, 4, 3, 5)
    assert torch.equal(_naf.Block(4)(x), x)


@pytest.mark.parametrize("value", [None, 0.0])
def test_every_parameter_gets_a_gradient(value):
    network = small(shuffle=2)
    x = torch.rand(2, 3, 16, 24) if value is None else torch.full((2, 3, 16, 24), value)
    network(x).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert value is not None or parameter.grad.abs().sum() > 0, name


def test_products_in_bfloat16_change_little():
    network = small(width=8, shuffle=2)
    x, target = torch.rand(2, 2, 3, 24, 24)
    outputs, gradients = [], []
    for half in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs.append(network(x))
        F.l1_loss(outputs[-1].float(), target).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    exact, rounded = outputs
    assert (exact - rounded).norm() < 0.03 * exact.norm()
    assert F.cosine_similarity(*gradients, dim=0) > 0.995


def test_no_pixels_of_a_block_are_float32_under_autocast():
    """The factors beta and gamma are, and would make what they are multiplied with so."""
    block = _naf.Block(8)
    with torch.autocast("cpu", torch.bfloat16):
        assert block(torch.rand(1, 8, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


@torch.no_grad()
def test_memory_stays_channels_last():
    network = small(shuffle=2).double().to(memory_format=torch.channels_last)
    kept = []
    for block in (m for m in network.modules() if isinstance(m, _naf.Block | _naf.Up)):
        block.register_forward_hook(
            lambda block, inputs, output: kept.append(
                output.is_contiguous(memory_format=torch.channels_last)
            )
        )
    x = torch.rand(2, 3, 24, 16, dtype=torch.float64)
    own = network(x.contiguous(memory_format=torch.channels_last))
    assert kept == [True] * 10
    assert torch.allclose(own, small(shuffle=2).double()(x), atol=1e-9)


def test_levels_that_do_not_meet_are_refused():
    with pytest.raises(InputError, match=r"backbones\.nafnet: encoder and decoder"):
        small(decoder=[1])


def test_weights_of_the_authors_load(tmp_path):
    """They nest the tensors under `params`."""
    network = small()
    torch.save({"params": network.state_dict()}, tmp_path / "nafnet.pth")
    loaded = restorers.read(tmp_path / "nafnet.pth", "nafnet", SMALL, torch.device("cpu"))
    assert all(torch.equal(t, loaded.state_dict()[k]) for k, t in network.state_dict().items())
