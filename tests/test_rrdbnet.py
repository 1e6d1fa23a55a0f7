import deterministic_fill
import pytest
import torch
import torch.nn.functional as F

from grids.backbones import rrdbnet
from grids.base.errors import InputError
from grids.pixels.resampling import bicubic_down

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SMALL = {"features": 6, "blocks": 2, "growth": 4}


def small(**options):
    torch.manual_seed(0)
    return deterministic_fill.fill(rrdbnet.build(**SMALL | options))


def plain_rrdbnet(p, x, shuffle):
    """Squares of pixels gathered one by one; each convolution by its name."""

    def conv(name, y):
        return F.conv2d(y, p[f"{name}.weight"], p[f"{name}.bias"], padding=1)

    def leaky(y):
        return torch.where(y > 0, y, 0.2 * y)

    def dense(name, y):
        seen = [y]
        for number in range(1, 5):
            seen.append(leaky(conv(f"{name}.conv{number}", torch.cat(seen, 1))))
        return y + 0.2 * conv(f"{name}.conv5", torch.cat(seen, 1))

    def doubled(y):
        return torch.stack([y, y], -1).flatten(-2).repeat_interleave(2, -2)

    squares = [
        x[:, channel, row::shuffle, column::shuffle]
        for channel in range(3)
        for row in range(shuffle)
        for column in range(shuffle)
    ]
    y = first = conv("conv_first", torch.stack(squares, 1))
    for block in range(SMALL["blocks"]):
        before = y
        for part in (1, 2, 3):
            y = dense(f"body.{block}.rdb{part}", y)
        y = before + 0.2 * y
    y = first + conv("conv_body", y)
    y = leaky(conv("conv_up1", doubled(y)))
    y = leaky(conv("conv_up2", doubled(y)))
    return conv("conv_last", leaky(conv("conv_hr", y)))


@pytest.mark.parametrize("scale", [1, 2, 4])
@torch.no_grad()
def test_output_is_that_of_the_plain_formulas(scale):
    network = small(scale=scale).double().to(memory_format=torch.channels_last)
    x = torch.rand(2, 3, 8, 12, dtype=torch.float64)
    own, plain = network.enlarged(x), plain_rrdbnet(network.state_dict(), x, 4 // scale)
    assert own.shape == (2, 3, 8 * scale, 12 * scale)
    assert torch.allclose(own, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [2, 4])
@torch.no_grad()
def test_input_or_output_is_reduced(scale):
    x = torch.rand(1, 3, 16, 8)
    network = small(scale=scale)
    assert torch.equal(network(x), network.enlarged(bicubic_down(x, scale)))
    network = small(scale=scale, reduce_input=False)
    assert torch.equal(network(x), bicubic_down(network.enlarged(x), scale))


@pytest.mark.parametrize("scale", [1, 4])
@torch.no_grad()
def test_odd_sides_are_mirrored_to_multiples_of_four(scale):
    network, x = small(scale=scale), torch.rand(1, 3, 18, 21)
    padded = F.pad(x, (0, 3, 0, 2), mode="reflect")
    assert torch.equal(network(x), network(padded)[..., :18, :21])


def test_another_scale_is_refused():
    with pytest.raises(InputError, match=r"backbones\.rrdbnet\.scale: must be 1, 2 or 4, got 3"):
        small(scale=3)
