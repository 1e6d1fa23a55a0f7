import copy

import deterministic_fill
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grids.backbones import airnet

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SMALL = {"features": 4, "groups": 2, "blocks": 1}


def small(**options):
    return deterministic_fill.fill(airnet.build(**SMALL | options), 0.8)


def images(key, count=2, side=8):
    drawn = np.random.Generator(np.random.Philox(key=key)).random((count, 3, side, side))
    return torch.from_numpy(drawn.astype(np.float32))


def plain_deformed(x, offsets, masks, weight):
    """Each pixel, tap and channel by itself, from the four pixels around where it looks."""
    batch, channels, height, width = x.shape

    def pixel(image, channel, row, column):
        inside = 0 <= row < height and 0 <= column < width
        return x[image, channel, row, column].item() if inside else 0.0

    out = torch.zeros(batch, len(weight), height, width, dtype=x.dtype)
    for image in range(batch):
        for i in range(height):
            for j in range(width):
                for tap in range(9):
                    y = i + tap // 3 - 1 + offsets[image, 2 * tap, i, j].item()
                    z = j + tap % 3 - 1 + offsets[image, 2 * tap + 1, i, j].item()
                    top, left = int(np.floor(y)), int(np.floor(z))
                    a, b = y - top, z - left
                    for channel in range(channels):
                        value = (
                            (1 - a) * (1 - b) * pixel(image, channel, top, left)
                            + (1 - a) * b * pixel(image, channel, top, left + 1)
                            + a * (1 - b) * pixel(image, channel, top + 1, left)
                            + a * b * pixel(image, channel, top + 1, left + 1)
                        )
                        value *= masks[image, tap, i, j].item()
                        out[image, :, i, j] += value * weight[:, channel, tap // 3, tap % 3]
    return out


@pytest.mark.parametrize("size", [(5, 4), (1, 1), (3, 6)])
def test_deformable_convolution_is_that_of_the_plain_loop(size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    # Some look beyond the edges, and some far away.
    offsets = 2 * torch.randn(2, 18, *size, dtype=torch.float64)
    masks = torch.rand(2, 9, *size, dtype=torch.float64)
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    own = airnet.deformed(x, offsets, masks, weight)
    assert torch.allclose(own, plain_deformed(x, offsets, masks, weight), atol=1e-12)


def test_without_offsets_and_masks_it_is_a_convolution():
    torch.manual_seed(0)
    x, weight = torch.randn(1, 3, 6, 7), torch.randn(4, 3, 3, 3)
    own = airnet.deformed(x, torch.zeros(1, 18, 6, 7), torch.ones(1, 9, 6, 7), weight)
    assert torch.allclose(own, F.conv2d(x, weight, padding=1), atol=1e-5)


def test_a_fresh_deformable_convolution_is_half_a_convolution():
    fresh = airnet.DeformableConvolution(4)
    x, guide = torch.randn(2, 4, 5, 6), torch.randn(2, 4, 5, 6)
    assert torch.allclose(fresh(x, guide), F.conv2d(x, fresh.weight, padding=1) / 2, atol=1e-5)


def test_gradients_of_the_deformable_convolution_are_those_of_its_differences():
    torch.manual_seed(0)
    fresh = airnet.DeformableConvolution(2).double()
    torch.nn.init.normal_(fresh.conv_offset_mask.weight, std=0.1)
    torch.nn.init.uniform_(fresh.conv_offset_mask.bias, 0.2, 0.8)
    x, guide = torch.randn(2, 1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fresh, (x, guide))


def plain_airnet(p, x):
    """Blocks and groups by name; the encoder's normalisation by its running statistics."""

    def conv(name, y, padding=1):
        return F.conv2d(y, p[f"{name}.weight"], p.get(f"{name}.bias"), padding=padding)

    def leaky(y):
        return torch.where(y > 0, y, 0.1 * y)

    def normed(name, y):
        mean, variance, weight, bias = (
            p[f"{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (y - mean) / (variance + 1e-5).sqrt() * weight + bias

    def guided(name, y):
        computed = conv(f"{name}.dcn.conv_offset_mask", torch.cat([y, guide], 1))
        offsets, masks = computed[:, :18], 1 / (1 + (-computed[:, 18:]).exp())
        deformed = plain_deformed(y, offsets, masks, p[f"{name}.dcn.weight"])
        gamma, beta = (
            conv(f"{name}.sft.{part}.2", leaky(conv(f"{name}.sft.{part}.0", guide, 0)), 0)
            for part in ("conv_gamma", "conv_beta")
        )
        return y + deformed + y * gamma + beta

    def block(name, y):
        inner = leaky(conv(f"{name}.conv1", leaky(guided(f"{name}.dgm1", y))))
        return y + conv(f"{name}.conv2", leaky(guided(f"{name}.dgm2", inner)))

    pre = "E.E.encoder_q.E_pre"
    first = leaky(normed(f"{pre}.backbone.1", conv(f"{pre}.backbone.0", x)))
    main = normed(f"{pre}.backbone.4", conv(f"{pre}.backbone.3", first))
    guide = leaky(main + normed(f"{pre}.shortcut.1", conv(f"{pre}.shortcut.0", x, 0)))
    y = head = conv("R.head.0", x)
    for group in range(SMALL["groups"]):
        before = y
        for number in range(SMALL["blocks"]):
            y = block(f"R.body.{group}.body.{number}", y)
        y = before + conv(f"R.body.{group}.body.{SMALL['blocks']}", y)
    return conv("R.tail.0", head + conv(f"R.body.{SMALL['groups']}", y))


@torch.no_grad()
def test_output_is_that_of_the_plain_formulas():
    network = small().double().eval()
    x = images(1, side=5).double()
    assert torch.allclose(network(x), plain_airnet(network.state_dict(), x), atol=1e-10)


def test_a_step_of_the_contrast_is_that_of_the_public_implementation():
    reference = deterministic_fill.reference("airnet_b5_step")
    network = airnet.build(contrast=True, groups=1, blocks=1)
    contrast = deterministic_fill.fill(network, reference["gain"]).double().train().E.E
    queries, keys = (images(reference["keys"][k], 5, 32).double() for k in ("queries", "keys"))
    _, logits = contrast(queries, keys)
    loss = F.cross_entropy(logits, torch.zeros(5, dtype=torch.long))
    loss.backward()
    assert deterministic_fill.relative_error(logits, reference["logits"]) < 1e-9
    assert loss.item() == pytest.approx(reference["contrastive"], rel=1e-9)
    columns = contrast.queue[:, :5]
    assert deterministic_fill.relative_error(columns, reference["queue_columns"]) < 1e-9
    assert contrast.queue_ptr.tolist() == [5]
    state = network.state_dict()
    for name, expected in reference["after"].items():
        assert deterministic_fill.relative_error(state[name], expected) < 1e-9, name
    assert all(p.grad is not None for p in contrast.encoder_q.parameters())
    assert all(p.grad is None for p in contrast.encoder_k.parameters())


def test_the_queue_begins_again_where_it_ends():
    contrast = airnet.Contrast(airnet.build(**SMALL).E.E.encoder_q, 5)
    keys = torch.arange(8.0).view(4, 2).repeat(1, 8)
    before = contrast.queue.clone()
    contrast.remember(keys[:3])
    assert torch.equal(contrast.queue[:, :3], keys[:3].T)
    assert torch.equal(contrast.queue[:, 3:], before[:, 3:])
    contrast.remember(keys)
    assert torch.equal(contrast.queue[:, [3, 4, 0, 1]], keys.T)
    assert contrast.queue_ptr.tolist() == [2]


def test_what_only_the_contrast_trains_is_not_trained_without_it():
    network = small()
    network(images(2)).mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
    untrained = [name for name, p in network.named_parameters() if not p.requires_grad]
    assert {name.split(".")[3] for name in untrained} == {"E", "mlp"}
    contrast = airnet.Contrast(network.E.E.encoder_q, 4)
    assert all(p.requires_grad for p in network.parameters())
    assert contrast.encoder_q is network.E.E.encoder_q


def test_the_contrast_changes_nothing_about_restoring():
    with_contrast = small(contrast=True, queue=3)
    without = airnet.build(**SMALL)
    kept = {
        name: tensor
        for name, tensor in with_contrast.state_dict().items()
        if not name.startswith(tuple(airnet.TRAINING_ONLY))
    }
    without.load_state_dict(copy.deepcopy(kept))
    x = images(3)
    assert torch.equal(with_contrast.eval()(x), without.eval()(x))
