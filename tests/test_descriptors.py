"""Descriptors besides the super-resolver: VGG19 and SIFT, and how their matrices are compared."""

import csv
import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import ROOT, Tree, write_photographs
from scipy.stats import rankdata

from grids.base.errors import InputError
from grids.configuration import loading
from grids.configuration.checks import descriptors as checks
from grids.descriptors import vgg
from grids.images import reading, sets
from grids.models import weights
from grids.pixels.arrays import to_tensor
from grids.report import descriptors
from grids.training.colorization_batches import colorization

# Where torchvision has convolutions among its `features`, and what stands between them.
PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
OF_BLOCKS = [
    (block, n) for block, count in enumerate((2, 2, 4, 4, 4), 1) for n in range(1, count + 1)
]
CONVOLUTIONS = {f"relu{b}_{n}": place for (b, n), place in zip(OF_BLOCKS, PLACES, strict=True)}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return vgg.Colorizer()


@pytest.fixture
def patches():
    photograph = reading.read(sets.find("embedded")[0])
    return to_tensor(np.stack([photograph[i : i + 32, i : i + 32] for i in (40, 90, 140)]))


class TestVgg:
    def test_names_and_number_of_parameters_are_torchvisions(self, network):
        features = {n: p for n, p in network.named_parameters() if n.startswith("features.")}
        kinds = ("weight", "bias")
        assert {*features} == {f"features.{i}.{k}" for i in CONVOLUTIONS.values() for k in kinds}
        assert sum(p.numel() for p in features.values()) == 20_024_384

    @pytest.mark.parametrize("layer", ["relu1_2", "relu3_1", "relu5_4"])
    def test_a_layer_is_that_of_plain_convolutions(self, network, patches, layer):
        """With `torch.conv2d` alone, a maximum before the first of a block, in float64."""
        state = {name: tensor.double() for name, tensor in network.state_dict().items()}
        x = patches.double()
        mean, std = (torch.tensor(v)[:, None, None].double() for v in (vgg.MEAN, vgg.STD))
        x = (x - mean) / std
        for name, place in CONVOLUTIONS.items():
            if name.endswith("_1") and name != "relu1_1":
                x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))
            parts = (state[f"features.{place}.{kind}"] for kind in ("weight", "bias"))
            x = torch.conv2d(x, *parts, padding=1).clamp(min=0)
            if name == layer:
                break
        described = vgg.describer(network, layer)(patches)
        assert torch.allclose(described.double(), x.flatten(1), atol=1e-4, rtol=1e-4)

    def test_torchvisions_file_and_our_own_are_read(self, network, patches, tmp_path):
        own = tmp_path / "own.safetensors"
        weights.save(own, network, {})
        state = {n: t for n, t in network.state_dict().items() if n.startswith("features.")}
        classifier = {"classifier.6.bias": torch.zeros(1000)}
        torch.save(state | classifier, tmp_path / "vgg19.pth")
        expected = vgg.describer(network)(patches)
        for path in (own, tmp_path / "vgg19.pth"):
            assert torch.equal(vgg.describer(vgg.load(path))(patches), expected)
        weights.save(tmp_path / "other.safetensors", torch.nn.Linear(2, 2), {})
        with pytest.raises(InputError, match=r"no 'features\.0\.weight'; expected torchvision's"):
            vgg.load(tmp_path / "other.safetensors")

    def test_it_learns_colours_from_grey(self):
        photographs = [reading.read(path) for path in sets.find("embedded")]
        grey, coloured = colorization(photographs, patch=16, seed=0, device=torch.device("cpu"))(
            0, range(2)
        )
        assert torch.equal(grey[:, 0], grey[:, 1])
        luma = (coloured * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1)
        assert torch.allclose(grey[:, 2], luma)
        torch.manual_seed(0)
        network = vgg.Colorizer()
        optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
        losses = []
        for _ in range(8):
            loss = (network(grey) - coloured).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.9 * losses[0]


class TestSift:
    @pytest.fixture
    def describe(self):
        pytest.importorskip("cv2")
        from grids.descriptors import sift

        return sift.describer(sift.load())

    def test_each_keypoint_sees_its_own_part(self, describe, patches):
        before = describe(patches).reshape(3, 16, 128)
        assert (before.norm(dim=2) > 0).all()
        changed = patches.clone()
        changed[:, :, 24:, 24:] = 1 - changed[:, :, 24:, 24:]
        moved = (describe(changed).reshape(3, 16, 128) != before).any(dim=2).any(dim=0)
        assert moved[15]
        assert not moved[[0, 1, 2, 4, 8]].any()

    def test_patches_do_not_depend_on_one_another(self, describe, patches):
        together = describe(patches)
        assert torch.equal(describe(patches[1:2])[0], together[1])

    def test_a_quarter_turn_turns_the_gradients(self, describe):
        """A ramp has one direction, so one of eight bins holds what a keypoint sees."""
        ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
        middle = [5, 6, 9, 10]
        across = describe(ramp).reshape(16, 16, 8)[middle].sum(dim=(0, 1))
        down = describe(ramp.transpose(2, 3)).reshape(16, 16, 8)[middle].sum(dim=(0, 1))
        assert across.argmax() != down.argmax()
        assert (down.argmax() - across.argmax()) % 4 == 2


def matrix(values):
    names = [f"d{i}" for i in range(len(values))]
    return pd.DataFrame(
        [
            {"source": a, "target": b, "distance": values[i][j]}
            for i, a in enumerate(names)
            for j, b in enumerate(names)
        ]
    )


class TestComparison:
    def test_ranks_off_the_diagonal(self):
        generator = np.random.default_rng(0)
        one, other = generator.random((2, 5, 5))
        table = descriptors.agreement({"srresnet": matrix(one), "sift": matrix(other)})
        off = ~np.eye(5, dtype=bool)
        expected = np.corrcoef(rankdata(one[off]), rankdata(other[off]))[0, 1]
        assert table["spearman"].item() == pytest.approx(expected)
        # The diagonal counts for nothing.
        np.fill_diagonal(other, 99)
        again = descriptors.agreement({"srresnet": matrix(one), "sift": matrix(other)})
        assert again.equals(table)

    def test_one_alone_and_other_degradations_are_refused(self):
        with pytest.raises(InputError, match="compares with no other"):
            descriptors.figure({"srresnet": matrix(np.ones((3, 3)))})
        with pytest.raises(InputError, match="not of the same degradations"):
            descriptors.agreement({n: matrix(np.ones((n, n))) for n in (3, 4)})


class TestConfiguration:
    def refused(self, **descriptor):
        config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
        with pytest.raises(InputError) as raised:
            loading.load(config | {"descriptor": descriptor})
        return str(raised.value)

    def test_what_is_wrong_is_one_line(self, tmp_path, monkeypatch):
        file = tmp_path / "vgg19.pth"
        file.write_bytes(b"1")
        digest = hashlib.sha256(b"1").hexdigest()
        for said, message in (
            ({"network": "vg"}, "unknown descriptor.network 'vg'; did you mean 'vgg'"),
            ({"compared": ["vgg"]}, "descriptor.vgg.weights: vgg needs weights; write 'trained'"),
            ({"compared": ["srresnet"]}, "descriptor.compared: a network stands there twice"),
            ({"network": "vgg", "vgg": {"weights": "no.pth"}}, "no.pth: no such file"),
            (
                {"network": "vgg", "vgg": {"weights": str(file), "sha256": "dcbb9e9d"}},
                f"has {digest[:16]}…, not dcbb9e9d",
            ),
            ({"vgg": {"layer": "relu6_1"}}, "descriptor.vgg.layer: input should be 'relu1_1'"),
            ({"vgg": {"patch": 40}}, "descriptor.vgg.patch: input should be a multiple of 16"),
        ):
            assert message in self.refused(**said)
        monkeypatch.setattr(checks, "find_spec", lambda name: None)
        assert "sift needs OpenCV; pip install 'grids[sift]'" in self.refused(compared=["sift"])


def test_each_descriptor_has_a_matrix_and_a_figure_compares_them(tmp_path):
    write_photographs(tmp_path / "photographs")
    tree = Tree(tmp_path)
    torch.manual_seed(0)
    weights.save(tmp_path / "vgg.safetensors", vgg.Colorizer(), {})
    tree.config["descriptor"] = tree.config["descriptor"] | {
        "compared": ["vgg"],
        "vgg": {"weights": "vgg.safetensors", "layer": "relu2_1"},
    }
    tree.run("results/report/descriptors.svg")
    with open(tree.path("report/descriptors.csv"), encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["first"], row["second"]) == ("srresnet", "vgg")
    assert tree.jobs("results/report/descriptors.svg") == set()
    tree.config["descriptor"]["vgg"]["layer"] = "relu2_2"
    again = tree.jobs("results/report/descriptors.svg")
    names = ("gaussian_noise", "jpeg", "poisson_noise", "sr")
    assert again == {
        *(f"Describing {name} with vgg" for name in names),
        "Comparing the degradations with vgg",
        "Comparing the descriptors",
    }
    tree.config["descriptor"]["vgg"]["weights"] = "trained"
    assert "Training VGG19 on colours" in tree.jobs("results/report/descriptors.svg")
