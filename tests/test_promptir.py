import deterministic_fill
import pytest
import torch
import torch.nn.functional as F
from plain_transformer import plain_block

from grids.backbones import promptir
from grids.base.errors import InputError

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SMALL = {
    "dim": 4,
    "blocks": [1, 2, 1, 1],
    "refinement": 1,
    "heads": [1, 2, 2, 4],
    "prompt_channels": [4, 8, 12],
    "prompt_sides": [5, 4, 2],
    "prompts": 3,
}


def small(**options):
    return deterministic_fill.fill(promptir.build(**SMALL | options), 0.7)


def plain_prompt(p, name, x):
    """The images of each prompt are mixed one by one."""
    matrix, bias = p[f"{name}.linear_layer.weight"], p[f"{name}.linear_layer.bias"]
    mixed = []
    for image in x:
        means = torch.stack([channel.sum() / channel.numel() for channel in image])
        numbers = (matrix @ means + bias).exp()
        images = p[f"{name}.prompt_param"][0]
        shares = numbers / numbers.sum()
        mixed.append(sum(n * prompt for n, prompt in zip(shares, images, strict=True)))
    enlarged = F.interpolate(torch.stack(mixed), x.shape[2:], mode="bilinear", align_corners=False)
    return F.conv2d(enlarged, p[f"{name}.conv3x3.weight"], padding=1)


def plain_promptir(p, x):
    blocks, heads = SMALL["blocks"], SMALL["heads"]

    def stage(name, y, level, count):
        for i in range(count):
            y = plain_block(p, f"{name}.{i}", y, heads[level])
        return y

    def conv(name, y, padding=0):
        return F.conv2d(y, p[f"{name}.weight"], padding=padding)

    y = conv("patch_embed.proj", x, 1)
    skips = []
    for level in range(3):
        y = stage(f"encoder_level{level + 1}", y, level, blocks[level])
        skips.append(y)
        y = F.pixel_unshuffle(conv(f"down{level + 1}_{level + 2}.body.0", y, 1), 2)
    y = stage("latent", y, 3, blocks[3])
    for level in (3, 2, 1):
        y = torch.cat([y, plain_prompt(p, f"prompt{level}", y)], 1)
        y = plain_block(p, f"noise_level{level}", y, 4)
        y = conv(f"reduce_noise_level{level}", y)
        y = F.pixel_shuffle(conv(f"up{level + 1}_{level}.body.0", y, 1), 2)
        y = torch.cat([y, skips[level - 1]], 1)
        if level > 1:
            y = conv(f"reduce_chan_level{level}", y)
        y = stage(f"decoder_level{level}", y, level - 1, blocks[level - 1])
    return conv("output", stage("refinement", y, 0, SMALL["refinement"]), 1) + x


@torch.no_grad()
def test_output_is_that_of_the_plain_formulas():
    network = small().double().to(memory_format=torch.channels_last)
    x = torch.rand(2, 3, 16, 8, dtype=torch.float64)
    plain = plain_promptir(network.state_dict(), x)
    assert torch.allclose(network(x), plain, rtol=1e-12, atol=1e-12)


def test_weights_come_back():
    network, other = small(), promptir.build(**SMALL)
    other.load_state_dict(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    assert network.state_dict()["prompt1.prompt_param"].shape == (1, 3, 4, 5, 5)


def test_what_nothing_uses_is_not_trained_and_all_else_is():
    network = small()
    network(torch.rand(1, 3, 16, 16)).mean().backward()
    fixed = {name for name, p in network.named_parameters() if not p.requires_grad}
    assert {name for name, p in network.named_parameters() if p.grad is None} == fixed
    assert {name.rpartition(".")[0].rstrip("_123") for name in fixed} == {
        "chnl_reduce",
        "reduce_noise_channel",
    }
    with torch.device("meta"):
        public = promptir.build()
    assert sum(p.numel() for p in public.parameters() if not p.requires_grad) == 215_296


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocks": [1, 1]},
        {"heads": [1, 3, 4, 8]},
        {"prompt_channels": [4, 8]},
        {"prompt_sides": [8, 4, 2, 1]},
        {"prompt_channels": [4, 8, 13]},
        {"dim": 6},
    ],
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(InputError, match=r"^backbones\.promptir.*got|^backbones\.promptir.*divide"):
        small(**wrong)
