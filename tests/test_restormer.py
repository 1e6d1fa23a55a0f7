import pytest
import torch
import torch.nn.functional as F
from plain_transformer import plain_attention, plain_block
from torch import nn

from grids.backbones import _transformer, restormer
from grids.base.errors import InputError

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SMALL = {"dim": 8, "blocks": [1, 1, 1, 2], "refinement": 1, "heads": [1, 2, 4, 8]}


def small(**options):
    torch.manual_seed(0)
    return restormer.build(**SMALL | options)


def randomized(network):
    """All parameters random: those that start at one or zero would hide mistakes."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return network


@pytest.mark.parametrize(("norm_bias", "parameters"), [(True, 26_126_644), (False, 26_111_668)])
def test_parameter_counts_of_the_public_networks(norm_bias, parameters):
    with torch.device("meta"):
        network = restormer.build(norm_bias=norm_bias)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_parameters_have_the_names_and_shapes_of_the_public_weights():
    with torch.device("meta"):
        shapes = {name: tuple(t.shape) for name, t in restormer.build().state_dict().items()}
    hidden = int(48 * 2.66)
    expected = {
        "patch_embed.proj.weight": (48, 3, 3, 3),
        "encoder_level1.3.norm1.body.weight": (48,),
        "encoder_level1.3.norm1.body.bias": (48,),
        "encoder_level1.0.attn.temperature": (1, 1, 1),
        "encoder_level1.0.attn.qkv.weight": (144, 48, 1, 1),
        "encoder_level1.0.attn.qkv_dwconv.weight": (144, 1, 3, 3),
        "encoder_level1.0.attn.project_out.weight": (48, 48, 1, 1),
        "encoder_level1.0.norm2.body.weight": (48,),
        "encoder_level1.0.ffn.project_in.weight": (2 * hidden, 48, 1, 1),
        "encoder_level1.0.ffn.dwconv.weight": (2 * hidden, 1, 3, 3),
        "encoder_level1.0.ffn.project_out.weight": (48, hidden, 1, 1),
        "down1_2.body.0.weight": (24, 48, 3, 3),
        "encoder_level2.5.attn.temperature": (2, 1, 1),
        "down2_3.body.0.weight": (48, 96, 3, 3),
        "encoder_level3.5.attn.temperature": (4, 1, 1),
        "down3_4.body.0.weight": (96, 192, 3, 3),
        "latent.7.attn.temperature": (8, 1, 1),
        "up4_3.body.0.weight": (768, 384, 3, 3),
        "reduce_chan_level3.weight": (192, 384, 1, 1),
        "decoder_level3.5.attn.temperature": (4, 1, 1),
        "up3_2.body.0.weight": (384, 192, 3, 3),
        "reduce_chan_level2.weight": (96, 192, 1, 1),
        "decoder_level2.5.attn.temperature": (2, 1, 1),
        "up2_1.body.0.weight": (192, 96, 3, 3),
        "decoder_level1.3.attn.qkv.weight": (288, 96, 1, 1),
        "refinement.3.attn.temperature": (1, 1, 1),
        "output.weight": (3, 96, 3, 3),
    }
    assert {name: shapes.get(name) for name in expected} == expected
    assert not any(name.endswith("bias") and "norm" not in name for name in shapes)


@pytest.mark.parametrize("size", [(8, 8), (5, 6), (17, 23), (24, 40)])
def test_restorer_keeps_the_shape(size):
    assert small()(torch.rand(2, 3, *size)).shape == (2, 3, *size)


def test_odd_sides_are_mirrored_to_multiples_of_eight():
    network, x = small(), torch.rand(1, 3, 18, 21)
    padded = F.pad(x, (0, 3, 0, 6), mode="reflect")
    assert torch.equal(network(x), network(padded)[..., :18, :21])


@pytest.mark.parametrize("norm_bias", [True, False])
def test_every_parameter_gets_a_gradient(norm_bias):
    network = randomized(small(norm_bias=norm_bias))
    network(torch.rand(1, 3, 16, 24)).square().mean().backward()
    without = [
        name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().sum() == 0
    ]
    assert without == []


@pytest.mark.parametrize(
    "wrong", [{"blocks": [1, 1]}, {"heads": [1, 2, 4]}, {"heads": [1, 3, 4, 8]}, {"dim": 7}]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(InputError, match=r"backbones\.restormer"):
        small(**wrong)


def plain_restormer(p, x, blocks, refinement, heads):
    def stage(name, y, level, count):
        for i in range(count):
            y = plain_block(p, f"{name}.{i}", y, heads[level])
        return y

    def conv3(name, y):
        return F.conv2d(y, p[f"{name}.weight"], padding=1)

    y = conv3("patch_embed.proj", x)
    skips = []
    for level in range(3):
        y = stage(f"encoder_level{level + 1}", y, level, blocks[level])
        skips.append(y)
        y = F.pixel_unshuffle(conv3(f"down{level + 1}_{level + 2}.body.0", y), 2)
    y = stage("latent", y, 3, blocks[3])
    for level in (2, 1, 0):
        y = F.pixel_shuffle(conv3(f"up{level + 2}_{level + 1}.body.0", y), 2)
        y = torch.cat([y, skips[level]], 1)
        if level:
            y = F.conv2d(y, p[f"reduce_chan_level{level + 1}.weight"])
        y = stage(f"decoder_level{level + 1}", y, level, blocks[level])
    return conv3("output", stage("refinement", y, 0, refinement)) + x


@pytest.mark.parametrize("norm_bias", [True, False])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@torch.no_grad()
def test_output_is_that_of_the_plain_formulas(norm_bias, memory):
    network = randomized(small(norm_bias=norm_bias)).double().to(memory_format=memory)
    x = torch.rand(2, 3, 16, 8, dtype=torch.float64).contiguous(memory_format=memory)
    plain = plain_restormer(
        network.state_dict(), x, SMALL["blocks"], SMALL["refinement"], SMALL["heads"]
    )
    assert torch.allclose(network(x), plain, atol=1e-12)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_gradients_of_the_attention_are_those_of_the_plain_formula(heads):
    torch.manual_seed(heads)
    attention = randomized(_transformer.Attention(8, heads))
    parameters = dict(attention.named_parameters(prefix="a"))
    x = torch.randn(2, 8, 5, 6, requires_grad=True)
    against = torch.randn(2, 8, 5, 6)
    wanted = [x, *parameters.values()]
    own = torch.autograd.grad((attention(x) * against).sum(), wanted)
    plain = torch.autograd.grad(
        (plain_attention(parameters, "a", x, heads) * against).sum(), wanted
    )
    for one, other in zip(own, plain, strict=True):
        assert torch.allclose(one, other, atol=1e-4, rtol=1e-4)


def test_gradients_of_the_feed_forward_part_are_those_of_its_differences():
    network = randomized(_transformer.FeedForward(4, 2.66)).double()
    x = torch.randn(2, 4, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, x)


def test_a_constant_image_gives_finite_gradients():
    attention: nn.Module = _transformer.Attention(4, 2)
    x = torch.zeros(1, 4, 4, 4, requires_grad=True)
    attention(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_products_in_bfloat16_change_little():
    network = randomized(small())
    x, target = torch.rand(2, 2, 3, 24, 24)
    gradients = []
    for half in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            output = network(x)
        F.l1_loss(output.float(), target).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert F.cosine_similarity(*gradients, dim=0) > 0.999


def test_memory_stays_channels_last_through_a_block():
    block = _transformer.Block(8, 2, 2.66, norm_bias=True).to(memory_format=torch.channels_last)
    x = torch.rand(2, 8, 6, 6).contiguous(memory_format=torch.channels_last)
    assert block(x).is_contiguous(memory_format=torch.channels_last)


def test_blocks_get_channels_last_memory_where_the_shuffles_do_not_keep_it(monkeypatch):
    """On a GPU they do not; there, too, no block may have to copy its pixels."""
    for shuffle, forward in (
        (nn.PixelShuffle, F.pixel_shuffle),
        (nn.PixelUnshuffle, F.pixel_unshuffle),
    ):
        monkeypatch.setattr(shuffle, "forward", lambda self, x, f=forward: f(x, 2).contiguous())
    network = small().to(memory_format=torch.channels_last)
    kept = []
    for block in (m for m in network.modules() if isinstance(m, _transformer.Block)):
        block.register_forward_pre_hook(
            lambda block, inputs: kept.append(
                inputs[0].is_contiguous(memory_format=torch.channels_last)
            )
        )
    network(torch.rand(2, 3, 24, 16).contiguous(memory_format=torch.channels_last))
    assert kept == [True] * 9
