"""Verification: ways to measure, against other implementations, and images beyond the memory."""

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio
from torch import nn

from grids.backbones import restormer, srresnet
from grids.models import evaluation, memory
from grids.models import whole as whole_restorer
from grids.models.restorers import restore
from grids.pixels import measures
from grids.pixels.arrays import to_bytes, to_tensor
from grids.report import table1

torch.set_num_threads(1)

CPU = torch.device("cpu")
JPEG = {"jpeg": {"quality": 10}}
COLUMNS = ["degradation", "image", "psnr_db", "ssim", "input_psnr_db", "tile"]


@pytest.fixture
def photograph():
    return np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)


@pytest.fixture
def network():
    torch.manual_seed(0)
    built = srresnet.build(features=8, blocks=2).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return built


def verified(network, photograph, **options):
    photographs = [("a.png", "identity", photograph)]
    return evaluation.verify(network, JPEG, photographs, 0, CPU, **options)


class TestMeasures:
    @pytest.mark.parametrize(
        ("column", "prepare"),
        [
            ("psnr_db", lambda pixels: pixels),
            ("psnr_crop4_db", lambda pixels: pixels[4:-4, 4:-4]),
            ("psnr_y_db", lambda pixels: rgb2ycbcr(pixels)[..., 0]),
            ("psnr_y_crop7_db", lambda pixels: rgb2ycbcr(pixels[7:-7, 7:-7])[..., 0]),
        ],
    )
    def test_each_is_what_scikit_image_computes(self, photograph, column, prepare):
        """Its `rgb2ycbcr` is MATLAB's of floating point, as BasicSR's is."""
        worse = np.random.default_rng(1).normal(photograph, 9).clip(0, 255).astype(np.uint8)
        expected = peak_signal_noise_ratio(prepare(photograph), prepare(worse), data_range=255)
        assert measures.measured(column, photograph, worse) == pytest.approx(expected, abs=1e-9)

    def test_luma_is_16_for_black_and_235_for_white(self):
        ends = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
        assert measures.luma(ends) == pytest.approx([16, 235])

    def test_columns_that_are_asked_for(self):
        assert measures.columns(False, 0) == []
        assert measures.columns(True, 0) == ["psnr_y_db"]
        both = ["psnr_y_db", "psnr_crop4_db", "psnr_y_crop4_db"]
        assert measures.columns(True, 4) == both
        assert measures.columns(False, 4) == ["psnr_crop4_db"]
        assert [measures.way(name) for name in both] == [(True, 0), (False, 4), (True, 4)]
        assert not measures.is_one("input_psnr_y_db")

    def test_verification_has_them_only_when_asked(self, network, photograph):
        plain = verified(network, photograph)
        assert list(plain.columns) == COLUMNS
        asked = verified(network, photograph, further=["psnr_y_db"])
        assert list(asked.columns) == [*COLUMNS, "psnr_y_db", "input_psnr_y_db"]
        pd.testing.assert_frame_equal(asked[COLUMNS], plain)


def test_table1_shows_further_measures_as_further_tables():
    def verification(*group, loss):
        rows = [(n, f"{i}.png", 30.0 + i - loss, 20.0, 32.0 - loss) for n in group for i in (0, 1)]
        columns = ["degradation", "image", "psnr_db", "input_psnr_db", "psnr_y_db"]
        return pd.DataFrame(rows, columns=columns)

    groups = [["jpeg", "sr"]]
    tables = [*(verification(n, loss=0) for n in groups[0]), verification("jpeg", "sr", loss=1)]
    found = {
        "groups": [{"degradations": groups[0]}],
        "degradations": groups[0],
        "delta": 0.7,
        "trainings": {"single": 2, "group": 1},
        "backbone": "srresnet",
        "test_set": "own",
        "strategy": "paper",
        "rounds": 1,
        "saved": 0.5,
        "verdict": "",
    }
    table, others = table1.table(groups, tables), table1.further(groups, tables)
    assert list(others) == ["psnr_y_db"]
    text = table1.text(table, found, "srresnet", "own", others=others)
    assert text.count("JPEG") == 2
    assert "PSNR in dB, Y channel (BT.601, 16 to 235, not rounded), no border cropped" in text
    assert f"PSNR of the first table: {table1.POLICY}" in text
    assert f"PSNR: {table1.POLICY}" in table1.text(table, found, "srresnet", "own")
    long = table1.joined(table, others).set_index(["row", "degradation"])
    assert long.loc[("grouped", "jpeg"), ["psnr_db", "psnr_y_db"]].tolist() == [29.5, 31.0]
    sheet = table1.sheet(table, others)
    assert sheet.loc["single psnr_y_db", "sr"] == 32.0
    # A model that was measured elsewhere may lack it: then nothing is compared.
    assert table1.further(groups, [tables[0].drop(columns="psnr_y_db"), *tables[1:]]) == {}
    assert "in tiles" not in text
    assert "lack of memory (column tile of verify/): 3 images" in table1.text(
        table, found, "srresnet", "own", tiled=3
    )


class TestMemory:
    def give(self, monkeypatch, megabytes):
        monkeypatch.setattr(memory, "free", lambda: int(megabytes * (1 << 20)))

    def test_what_fits_is_the_network_on_the_whole_image_bit_for_bit(self, network, photograph):
        large = np.tile(photograph, (7, 4, 1))  # beyond the tiles of `grids restore`
        restorer = whole_restorer.WholeRestorer(network, CPU)
        restored, tile = restorer.restore(to_tensor(large)[None])
        assert tile is None
        expected = to_bytes(restore(network, to_tensor(large)[None], CPU))[0]
        assert np.array_equal(restored, expected)

    def test_what_does_not_fit_goes_in_tiles_and_the_row_says_so(
        self, network, photograph, monkeypatch
    ):
        whole = verified(network, photograph)
        assert whole["tile"].isna().all()
        self.give(monkeypatch, 1)
        tiled = verified(network, photograph)
        side = tiled["tile"].item()
        assert side < 160
        # The same up to the rounding of single pixels, as a local network's tiles are.
        assert tiled["psnr_db"].item() == pytest.approx(whole["psnr_db"].item(), abs=0.01)

    def test_a_global_network_is_tiled_too(self, photograph, monkeypatch):
        built = restormer.build(dim=8, blocks=[1, 1, 1, 1], refinement=1).eval()
        self.give(monkeypatch, 4)
        assert verified(built, photograph)["tile"].notna().all()

    def test_memory_that_runs_out_all_the_same(self, network, photograph):
        class Limited(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = network

            def forward(self, x):
                if x.shape[-2] >= 96:  # tiles are tried on images that are less high
                    raise RuntimeError("not enough memory: you tried to allocate 1 bytes")
                return self.inner(x)

        lines = []
        table = verified(Limited(), photograph, say=lines.append)
        assert table["tile"].item() == 80
        assert "memory does not hold 160×96 pixels" in lines[0]
