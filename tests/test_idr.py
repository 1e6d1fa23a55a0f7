import deterministic_fill
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_transformer import plain_block, plain_norm

from grids.backbones import idr
from grids.base.errors import InputError

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SMALL = {
    "dim": 4,
    "blocks": [1, 1, 1, 1],
    "refinement": 1,
    "heads": [1, 2, 2, 4],
    "keys": 3,
    "routes": [3, 1, 2, 2],
}
# Task and route of the authors' types.
TASKS = {"denoise_15": 0, "derain": 1, "dehaze": 2, "deblur": 3, "delowlight": 4}


def small(**options):
    return deterministic_fill.fill(idr.build(**SMALL | options), 0.8)


@torch.no_grad()
def test_the_first_stage_is_that_of_the_public_implementation():
    reference = deterministic_fill.reference("idr_dim30")
    network = deterministic_fill.fill(idr.build(), reference["gain"]).double()
    x = deterministic_fill.image(40, 48).double()
    drawn = np.random.Generator(np.random.Philox(key=8)).random((1, 3, 40, 48))
    wanted = torch.from_numpy(drawn.astype(np.float32)).double()
    for kind in ("derain", "dehaze", "deblur"):  # a task of each route
        own, expected = network.explained(x, TASKS[kind]), reference["first_stage"][kind]
        assert deterministic_fill.relative_error(own.restored, expected["output"]) < 1e-9
        loss = sum(F.l1_loss(e, idr.reduced(wanted, e.shape[-2:])) for e in own.estimates)
        assert loss.item() == pytest.approx(expected["loss"], rel=1e-9)
        for level, shares in zip(own.shares, expected["shares"], strict=True):
            assert level.flatten().tolist() == pytest.approx(shares, rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5), st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_a_decomposition_is_one_and_its_signs_are_canonical(seed, tasks, keys, longer):
    generator = torch.Generator().manual_seed(seed)
    hubs = torch.randn(tasks, keys, keys + longer, generator=generator, dtype=torch.float64)
    left, values, right = idr.decomposed(hubs)
    rebuilt = torch.einsum("tik,ti,til->tkl", left, values, right)
    assert torch.allclose(rebuilt, hubs, atol=1e-12)
    assert (values.diff(dim=1) <= 0).all()
    assert (values >= 0).all()
    for rows in (left, right):
        assert torch.allclose(rows @ rows.mT, torch.eye(keys, dtype=torch.float64), atol=1e-12)
    assert (left.amax(-1) >= -left.amin(-1)).all()


@torch.no_grad()
def test_signs_that_a_library_chooses_change_nothing(monkeypatch):
    network, x = small(), torch.rand(1, 3, 8, 8)
    before, svd = network(x), torch.linalg.svd

    def other(matrices, **options):
        left, values, right = svd(matrices, **options)
        signs = torch.where(torch.rand(values.shape) < 0.5, -1.0, 1.0)
        return left * signs[:, None], values, right * signs[..., None]

    monkeypatch.setattr(torch.linalg, "svd", other)
    torch.manual_seed(1)
    assert torch.equal(network(x), before)


def plain_keys(p, shares):
    """Keys of one image: rows of all tasks' vectors mixed, and their values by its shares."""
    lefts, values, rights = [], [], []
    for hub in p["degra_key"]:
        u, s, v = np.linalg.svd(hub.numpy(), full_matrices=False)
        for j in range(len(s)):
            if u[np.abs(u[:, j]).argmax(), j] < 0:
                u[:, j], v[j] = -u[:, j], -v[j]
        lefts.append(u.T)
        values.append(s)
        rights.append(v)

    def mixed(name, rows):
        matrix = p[f"dmixer.{name}.weight"][:, :, 0, 0]
        return matrix @ torch.from_numpy(np.concatenate(rows)) + p[f"dmixer.{name}.bias"][:, None]

    own = sum(share * torch.from_numpy(s) for share, s in zip(shares, values, strict=True))
    return mixed("convU", lefts).T @ torch.diag(own) @ mixed("convV", rights)


def plain_key_block(p, name, x, image, heads, task):
    """Of one image (1, channels, h, w); attention pixel by pixel, kernels tap by tap."""

    def conv(part, y, **options):
        return F.conv2d(y, p[f"{name}.{part}.weight"], p.get(f"{name}.{part}.bias"), **options)

    def activated(part, y, padding):
        y = conv(f"{part}.0", y, padding=padding)
        return torch.where(y > 0, y, p[f"{name}.{part}.1.weight"] * y)

    def body(part, y):
        y = activated(f"{part}.0", y, 1)
        for i in (1, 2):
            inner = conv(f"{part}.{i}.conv1", y, padding=1).clamp(min=0)
            y = y + conv(f"{part}.{i}.conv2", inner, padding=1)
        return y

    channels, height, width = x.shape[1:]
    numbers = x.flatten(2).mean(2)[..., None, None]
    numbers = conv("principle.pred.2", conv("principle.pred.1", numbers)).flatten().exp()
    shares = numbers / numbers.sum()
    keys = p["degra_key"][task] if task is not None else plain_keys(p, shares)
    estimate = conv("SAM.conv2", x) + image
    seen = conv("SAM.conv1", x) / (1 + (-conv("SAM.conv3", estimate)).exp()) + x
    centred = keys - keys.mean(1, keepdim=True)
    keys = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    k, v = (keys @ p[f"{name}.attn.kv.weight"].T + p[f"{name}.attn.kv.bias"]).split(channels, 1)
    q = conv("attn.q.0", plain_norm(p, f"{name}.norm1.body", seen))
    q = conv("attn.q.1", q, padding=1, groups=channels)
    part, looked = channels // heads, torch.empty_like(x)
    for i in range(height):
        for j in range(width):
            for head in range(heads):
                own = slice(head * part, (head + 1) * part)
                scores = (k[:, own] @ q[0, own, i, j] / channels**0.5).exp()
                looked[0, own, i, j] = (scores / scores.sum()) @ v[:, own]
    looked = conv("attn.project_out", looked)
    y, other = conv("principle.mlp_img", x), conv("principle.mlp_degra", looked)
    joined = torch.cat([t[:, c : c + 1] for c in range(channels) for t in (y, other)], 1)
    added = y + body("principle.addition.add", joined)
    start = added if task is None else y
    factors, summands = body("principle.point.weight", joined).split(channels, 1)
    kernels = activated(
        "principle.convolve.convolve.3", body("principle.convolve.convolve", joined), 0
    )
    around, convolved = F.pad(start, [2] * 4, mode="replicate"), torch.zeros_like(start)
    for c in range(channels):
        for tap in range(25):
            a, b = tap // 5, tap % 5
            shifted = around[0, c, a : a + height, b : b + width]
            convolved[0, c] += kernels[0, 25 * c + tap] * shifted
    ways = {1: added, 2: factors * start + summands, 3: convolved}
    if task is not None:
        y = ways[SMALL["routes"][task]]
    else:
        y = sum(s * ways[route] for s, route in zip(shares, SMALL["routes"], strict=True))
    inner = conv("ffn.fc1", plain_norm(p, f"{name}.norm2.body", y))
    inner = F.gelu(conv("ffn.dwconv", inner, padding=1, groups=inner.shape[1]))
    return y + conv("ffn.fc2", inner)


def plain_idr(p, x, task):
    heads = SMALL["heads"]

    def conv(name, y, padding=0):
        return F.conv2d(y, p[f"{name}.weight"], padding=padding)

    y, skips = conv("patch_embed.proj", x, 1), []
    for level in (1, 2, 3):
        y = plain_block(p, f"encoder_level{level}.0", y, heads[level - 1])
        image = F.interpolate(x, y.shape[2:], mode="bilinear", align_corners=False)
        y = plain_key_block(p, f"kdp_level{level}", y, image, heads[level - 1], task)
        skips.append(y)
        y = F.pixel_unshuffle(conv(f"down{level}_{level + 1}.body.0", y, 1), 2)
    y = plain_block(p, "latent.0", y, heads[3])
    for level in (3, 2, 1):
        y = F.pixel_shuffle(conv(f"up{level + 1}_{level}.body.0", y, 1), 2)
        y = torch.cat([y, skips[level - 1]], 1)
        if level > 1:
            y = conv(f"reduce_chan_level{level}", y)
        y = plain_block(p, f"decoder_level{level}.0", y, heads[level - 1])
    return conv("output", plain_block(p, "refinement.0", y, heads[0]), 1) + x


@pytest.mark.parametrize("task", [None, 0, 1, 2])
@torch.no_grad()
def test_output_is_that_of_the_plain_formulas(task):
    network = small().double().to(memory_format=torch.channels_last)
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    own = network.explained(x, task)
    plain = torch.cat([plain_idr(network.state_dict(), image[None], task) for image in x])
    assert torch.allclose(own.restored, plain, rtol=1e-10, atol=1e-10)
    assert [e.shape for e in own.estimates] == [(2, 3, s, s) for s in (8, 4, 2)]


@pytest.mark.parametrize("routes", [[1, 1], [2, 1], [3, 3, 3]])
def test_what_no_task_takes_is_not_trained(routes):
    network = small(routes=routes)
    network(torch.rand(2, 3, 8, 8)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
    assert not network.degra_key.requires_grad


@pytest.mark.parametrize(
    "wrong", [{"blocks": [1, 1]}, {"heads": [1, 3, 4, 8]}, {"dim": 7}, {"routes": [1, 4]}]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(InputError, match=r"^backbones\.idr"):
        small(**wrong)
