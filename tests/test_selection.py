"""Selection by statistics of one photograph."""

import numpy as np
import pytest
import tiny_bundle

from grids.base.errors import InputError
from grids.bundle import contents
from grids.images import reading, sets


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return contents.read(tiny_bundle.write(tmp_path_factory.mktemp("export")))


def test_noise_and_blocks_are_told_apart(export):
    selector = tiny_bundle.selector(export)
    pixels = reading.read(sets.find("embedded")[2])[:128, 100:300]
    for name, group in (("jpeg", "jpeg"), ("gaussian_noise", "gaussian_noise+poisson_noise")):
        decision = selector.decide(tiny_bundle.degraded(pixels, name, 1))
        assert decision.group == group
        assert set(decision.distances) == set(export.groups)
        assert sum(decision.scores.values()) == pytest.approx(1)
        low, high = decision.interval_db
        assert low < decision.predicted_gain_db < high


def test_a_photograph_too_small_is_refused_with_the_smallest_side(export):
    with pytest.raises(InputError, match=r"40×63 pixels.* 64"):
        tiny_bundle.selector(export).decide(np.zeros((63, 40, 3), np.uint8))


def test_a_photograph_of_one_colour_is_refused(export):
    with pytest.raises(InputError, match="the same all over"):
        tiny_bundle.selector(export).decide(np.full((96, 96, 3), 128, np.uint8))


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
    about.write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(InputError, match="format 2, this version reads 1"):
        contents.read(folder)
    for broken in (text[:40], text.replace('"clip"', '"clap"'), text.replace("srresnet", "resnet")):
        about.write_text(broken)
        with pytest.raises(InputError, match=r"bundle.json: broken"):
            contents.read(folder)
