import json
import pickle

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from grids.backbones import srresnet
from grids.base.errors import InputError
from grids.descriptors import srresnet as descriptor
from grids.models import restorers, weights


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_of_the_public_networks():
    assert count(srresnet.build()) == 1_222_147
    assert count(srresnet.build(strided=True)) == 1_591_427
    assert count(descriptor.network(64, 16, global_residual=False)) == 1_517_571


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("size", [(17, 23), (3, 3), (48, 48)])
def test_restorer_keeps_the_shape(size, strided):
    network = srresnet.build(features=8, blocks=2, strided=strided)
    assert network(torch.rand(2, 3, *size)).shape == (2, 3, *size)


def test_the_strided_restorer_works_on_a_sixteenth_of_the_pixels():
    network = srresnet.build(features=8, blocks=1, strided=True)
    assert network.trunk(torch.rand(1, 3, 48, 32)).shape == (1, 8, 12, 8)
    # Mirrored by hand, an odd size gives the same.
    x = torch.rand(1, 3, 18, 23)
    padded = F.pad(x, (0, 1, 0, 2), mode="reflect")
    assert torch.equal(network(x), network(padded)[..., :18, :23])


@pytest.mark.parametrize("strided", [False, True])
def test_every_parameter_gets_a_gradient(strided):
    network = srresnet.build(features=8, blocks=2, strided=strided)
    network(torch.rand(1, 3, 16, 16)).mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize("residual", [False, True])
def test_super_resolver_is_the_plain_formula(residual):
    network = descriptor.network(8, 3, residual)
    p = network.state_dict()
    x = torch.rand(2, 3, 9, 7)

    def conv(y, name):
        return F.conv2d(y, p[f"{name}.weight"], p[f"{name}.bias"], padding=1)

    def leaky(y):
        return torch.where(y > 0, y, 0.1 * y)

    y = leaky(conv(x, "conv_first"))
    for i in range(3):
        y = y + conv(conv(y, f"body.{i}.conv1").clamp(min=0), f"body.{i}.conv2")
    trunk = y
    for name in ("upconv1", "upconv2"):
        y = leaky(F.pixel_shuffle(conv(y, name), 2))
    hr = conv(y, "conv_hr")
    out = conv(leaky(hr), "conv_last")
    if residual:
        out = out + F.interpolate(x, scale_factor=4, mode="bilinear")
    assert torch.allclose(network(x), out, atol=1e-6)
    for layer, expected in {"hr": hr, "hr_activated": leaky(hr), "trunk": trunk}.items():
        features = descriptor.describer(network, layer)(x)
        assert torch.allclose(features, expected.flatten(1), atol=1e-6)


def test_weights_come_back_with_what_they_are(tmp_path):
    network = srresnet.build(features=8, blocks=1).to(memory_format=torch.channels_last)
    weights.save(tmp_path / "m.safetensors", network, {"group": ["jpeg"], "seed": 3})
    assert weights.about(tmp_path / "m.safetensors") == {"group": ["jpeg"], "seed": 3}
    back = restorers.read(
        tmp_path / "m.safetensors", "srresnet", {"features": 8, "blocks": 1}, torch.device("cpu")
    )
    x = torch.rand(1, 3, 12, 12)
    assert torch.allclose(back(x), network(x), atol=1e-6)


@pytest.mark.parametrize("nesting", [None, "params", "params_ema"])
def test_descriptor_reads_basicsr_checkpoints(tmp_path, nesting):
    state = descriptor.network(8, 2, global_residual=True).state_dict()
    torch.save(state if nesting is None else {nesting: state}, tmp_path / "msrresnet.pth")
    network = descriptor.load(tmp_path / "msrresnet.pth")
    assert len(network.body) == 2
    assert all(torch.equal(network.state_dict()[k], state[k]) for k in state)


class TestBadWeights:
    @pytest.fixture
    def good(self, tmp_path):
        path = tmp_path / "m.safetensors"
        weights.save(path, srresnet.build(features=8, blocks=1), {})
        return path

    def refused(self, path, message):
        with pytest.raises(InputError, match=message) as error:
            restorers.read(path, "srresnet", {"features": 8, "blocks": 1}, torch.device("cpu"))
        assert "\n" not in str(error.value)

    def test_wrong_shape(self, good):
        with pytest.raises(InputError, match=r"'body.0.conv1.bias' has shape \(8,\).* \(16,\)"):
            restorers.read(good, "srresnet", {"features": 16, "blocks": 1}, torch.device("cpu"))

    def test_missing_and_foreign_tensors(self, good):
        state = load_file(good)
        save_file({k: v for k, v in state.items() if k != "conv_hr.bias"}, good)
        self.refused(good, "'conv_hr.bias' is missing")
        save_file({**state, "extra": torch.zeros(1)}, good)
        self.refused(good, "'extra' does not belong")

    def test_not_finite(self, good):
        state = load_file(good)
        state["conv_hr.bias"][0] = torch.nan
        save_file(state, good)
        self.refused(good, "'conv_hr.bias' is not finite")

    def test_truncated(self, good):
        good.write_bytes(good.read_bytes()[:200])
        self.refused(good, "cannot be read as weights")

    def test_lying_offsets(self, good):
        header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 1 << 40]}})
        good.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(16))
        self.refused(good, "cannot be read as weights")

    def test_pickled_code_is_not_executed(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (exec, (f"open({str(tmp_path / 'owned')!r}, 'w')",))

        (tmp_path / "m.pth").write_bytes(pickle.dumps(Evil()))
        self.refused(tmp_path / "m.pth", "cannot be read as weights")
        assert not (tmp_path / "owned").exists()

    def test_no_tensors(self, tmp_path):
        torch.save({"epoch": 3}, tmp_path / "m.pth")
        self.refused(tmp_path / "m.pth", "no table of named tensors")


def test_half_precision_keeps_names_shapes_and_what_the_weights_are(tmp_path):
    network = srresnet.build(features=8, blocks=1)
    weights.save(tmp_path / "m.safetensors", network, {"seed": 3})
    weights.halve(tmp_path / "m.safetensors", tmp_path / "half.safetensors")
    halved = weights.read(tmp_path / "half.safetensors")
    for name, tensor in network.state_dict().items():
        assert torch.equal(halved[name], tensor.half())
    assert weights.about(tmp_path / "half.safetensors") == {"seed": 3}
