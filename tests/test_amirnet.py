import deterministic_fill
import pytest
import torch
import torch.nn.functional as F
from plain_naf import plain_attention, plain_block, plain_gate, plain_norm

from grids.backbones import amirnet
from grids.base.errors import InputError

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SMALL = {"width": 4, "encoder": [1, 2], "middle": 1, "describing": 4}


def small(**options):
    return deterministic_fill.fill(amirnet.build(**SMALL | options))


@torch.no_grad()
def test_heads_and_fewer_levels_are_those_of_the_public_implementation():
    reference = deterministic_fill.reference("amirnet_w32")
    network = deterministic_fill.fill(amirnet.build(width=32), reference["gain"]).double().eval()
    x = deterministic_fill.image(*reference["input"][2:]).double()
    # Sides of a multiple, as the network itself would see them.
    padded = F.pad(x, (0, 0, 0, 8))
    for levels, expected in reference["fewer_levels"].items():
        network.levels = int(levels)
        assert deterministic_fill.relative_error(network(x), expected) < 1e-9
    tree = network.resencoder(padded, 4)
    for level in range(4):
        for name, said in (("mask", tree.masks), ("pred", tree.predictions)):
            expected = reference["heads"][f"{name}{level}"]
            assert deterministic_fill.relative_error(said[level], expected) < 1e-9


def plain_linear(p, name, vector):
    return p[f"{name}.weight"] @ vector + p[f"{name}.bias"]


def plain_tree(p, x, levels):
    """Codes of one image (3, h, w), a vector for each level."""

    def normed(name, y):
        mean, variance, weight, bias = (
            p[f"resencoder.{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (y - mean) / (variance + 1e-5).sqrt() * weight + bias

    def leaky(y):
        return torch.where(y > 0, y, 0.1 * y)

    def conv(name, y, **options):
        return F.conv2d(y, p[f"resencoder.{name}.weight"], **options)

    y = x[None]
    for name, stride in (("E_pre", 1), ("E.0", 2), ("E.1", 2)):
        main = conv(f"{name}.backbone.0", y, stride=stride, padding=1)
        main = conv(f"{name}.backbone.3", leaky(normed(f"{name}.backbone.1", main)), padding=1)
        short = normed(f"{name}.shortcut.1", conv(f"{name}.shortcut.0", y, stride=stride))
        y = leaky(normed(f"{name}.backbone.4", main) + short)
    seen = y[0].flatten(1).sum(1) / y[0, 0].numel()
    codes = []
    for level in range(levels):
        said = {}
        for kind in ("mask_list", "pred_list"):
            name = f"resencoder.{kind}.{level}"
            said[kind] = plain_linear(p, f"{name}.2", leaky(plain_linear(p, f"{name}.0", seen)))
        shares = (1 / (1 + (-said["mask_list"]).exp())).exp()
        codes.append(shares / shares.sum() * said["pred_list"])
    return codes


def plain_told_block(p, name, x, codes):
    """Of one image: what is told becomes weights of the plain block's parts."""

    def told(part):
        return sum(
            plain_linear(p, f"{name}.{part}.linear_list.{level}", code)
            for level, code in enumerate(codes)
        )

    def norm(part, y):
        own = {f"a.{kind}": told(f"{part}.{kind}") for kind in ("weight", "bias")}
        return plain_norm(own, "a", y)

    def conv(part, y, **options):
        return F.conv2d(y, p[f"{name}.{part}.weight"], p[f"{name}.{part}.bias"], **options)

    def scaled(part, y):
        return told(part)[:, None, None] * y

    y = conv("conv2", conv("conv1", norm("norm1", x)), padding=1, groups=2 * x.shape[1])
    y = scaled("sg_1.embedding", plain_gate(y))
    x = x + scaled("beta", conv("conv3", plain_attention(p, f"{name}.sca.1", y)))
    y = scaled("sg_2.embedding", plain_gate(conv("conv4", norm("norm2", x))))
    return x + scaled("gamma", conv("conv5", y))


def plain_amirnet(p, x, levels):
    def conv(name, y, **options):
        return F.conv2d(y, p[f"{name}.weight"], p.get(f"{name}.bias"), **options)

    restored = []
    for image in x:
        codes = plain_tree(p, image, levels)
        y, skips = conv("intro", image[None], padding=1), []
        for level, count in enumerate(SMALL["encoder"]):
            for i in range(count):
                y = plain_told_block(p, f"encoders.{level}.{i}", y, codes)
            skips.append(y)
            y = conv(f"downs.{level}", y, stride=2)
        y = plain_block(p, "middle_blks.0", y)
        for level in range(len(skips)):
            y = F.pixel_shuffle(conv(f"ups.{level}.0", y), 2) + skips[-1 - level]
            y = plain_block(p, f"decoders.{level}.0", y)
        restored.append(conv("ending", y, padding=1)[0] + image)
    return torch.stack(restored)


@pytest.mark.parametrize("levels", [1, 3, 4])
@torch.no_grad()
def test_output_is_that_of_the_plain_formulas(levels):
    network = small(levels=levels).double().eval().to(memory_format=torch.channels_last)
    x = torch.rand(2, 3, 8, 12, dtype=torch.float64)
    plain = plain_amirnet(network.state_dict(), x, levels)
    assert torch.allclose(network(x), plain, rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_sides_are_filled_up_with_zeros_at_the_right_and_below():
    network, x = small().eval(), torch.rand(2, 3, 5, 6)
    assert torch.equal(network(x), network(F.pad(x, (0, 2, 0, 3)))[..., :5, :6])


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_levels_that_are_not_used_are_not_trained(levels):
    network = small(levels=levels)
    network(torch.rand(2, 3, 8, 8)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
    assert len(network.explained(torch.rand(2, 3, 8, 8))[1].masks) == levels


def test_more_levels_than_the_tree_has_are_refused():
    with pytest.raises(InputError, match=r"backbones\.amirnet\.levels: the tree has 4, got 5"):
        small(levels=5)
