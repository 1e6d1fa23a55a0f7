"""Selection by statistics of one photograph."""

import numpy as np
import pytest
import tiny_bundle
import torch

from grids.base.errors import InputError
from grids.bundle import contents
from grids.images import reading, sets
from grids.restoring import runtime
from grids.restoring.selector import Selector
from grids.selection.torch_describer import describer as torch_describer


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return contents.read(tiny_bundle.write(tmp_path_factory.mktemp("export")))


def network(export):
    return runtime.choose("torch", export, "cpu").network


def test_noise_and_blocks_are_told_apart(export):
    selector = Selector(export, network(export))
    describer = torch_describer(export.descriptor, torch.device("cpu"), "fp32", **export.describing)
    by_laws = Selector(export, network(export), rule="paper", describer=describer)
    pixels = reading.read(sets.find("embedded")[2])[:128, 100:300]
    for name, group in (("jpeg", "jpeg"), ("gaussian_noise", "gaussian_noise+poisson_noise")):
        (decision,) = selector.decide(tiny_bundle.degraded(pixels, name, 1))
        assert decision.group == group
        assert set(decision.gains_db) == {decision.group, "mix"}
        assert decision.distances == {}
        assert sum(decision.scores.values()) == pytest.approx(1)
        low, high = decision.interval_db
        assert low < decision.predicted_gain_db < high
        (by_law,) = by_laws.decide(tiny_bundle.degraded(pixels, name, 1))
        assert by_law.group == min(by_law.distances, key=by_law.distances.get)
        assert set(by_law.distances) == set(export.groups)


def test_a_photograph_too_small_is_refused_with_the_smallest_side(export):
    with pytest.raises(InputError, match=r"40×63 pixels.* 64"):
        Selector(export, network(export)).decide(np.zeros((63, 40, 3), np.uint8))


def test_a_photograph_of_one_colour_is_refused(export):
    with pytest.raises(InputError, match="the same all over"):
        Selector(export, network(export)).decide(np.full((96, 96, 3), 128, np.uint8))


def test_an_export_that_is_broken_or_incomplete_is_refused(tmp_path):
    folder = tiny_bundle.write(tmp_path)
    with pytest.raises(InputError, match="exists already"):
        tiny_bundle.write(tmp_path)
    with pytest.raises(InputError, match="no export"):
        contents.read(tmp_path)
    model = folder / "models" / "jpeg.safetensors"
    content = model.read_bytes()
    model.write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"jpeg.safetensors: not as it was written"):
        contents.read(folder)
    model.unlink()
    with pytest.raises(InputError, match=r"jpeg.safetensors: missing"):
        contents.read(folder)
    model.write_bytes(content)
    about = folder / "bundle.json"
    text = about.read_text()
    about.write_text(text.replace('"format": 3', '"format": 1'))
    with pytest.raises(InputError, match="format 1, this version reads 3"):
        contents.read(folder)
    for broken in (text[:40], text.replace('"clip"', '"clap"'), text.replace("srresnet", "resnet")):
        about.write_text(broken)
        with pytest.raises(InputError, match=r"bundle.json: broken"):
            contents.read(folder)
