"""What restoring adds, with networks whose output is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from grids.selection.fitting import gains
from grids.selection.fitting.pictures import Shares
from grids.selection.fitting.views import views

PLAIN = Shares(reduced=0, compressed=0, grey=0, wide=0)
CPU = torch.device("cpu")
PHOTOGRAPHS = [np.random.default_rng(n).integers(0, 256, (140, 150, 3), np.uint8) for n in (0, 1)]


class Add(torch.nn.Module):
    """Adds a number of grey levels."""

    def __init__(self, levels):
        super().__init__()
        self.levels = levels

    def forward(self, images):
        return images + self.levels / 255


def test_gain_is_the_difference_of_psnr():
    clean = np.full((64, 64, 3), 100, np.uint8)
    # 10 levels too dark, made 2 too dark: the error falls by a factor of 5.
    gain = gains.gain_db(Add(8), clean, clean - 10, CPU, "fp32")
    assert gain == pytest.approx(20 * np.log10(5))
    assert gains.gain_db(Add(-10), clean, clean - 10, CPU, "fp32") == pytest.approx(
        -20 * np.log10(2)
    )
    assert np.isnan(gains.gain_db(Add(0), clean, clean, CPU, "fp32"))


def test_each_view_is_restored_by_the_model_of_its_group():
    table = pd.DataFrame(
        {"degradation": ["jpeg", "jpeg", "sr"], "number": [0, 3, 1], "group": [0, 1, 1]},
        index=[5, 6, 7],
    )
    parameters = {"jpeg": {"quality": 10}, "sr": {"scale": 2}}
    networks = [Add(0), Add(40)]
    done = []
    measured = gains.with_gains(
        table, networks, PHOTOGRAPHS, ["a", "b"], parameters, PLAIN, 0, CPU, "fp32", done.append
    )
    assert done == [1, 2, 3]
    assert measured["gain_db"][5] == 0
    assert (measured["gain_db"][[6, 7]] < -1).all()


def test_views_depend_on_their_number_alone():
    arguments = (PHOTOGRAPHS, ["a", "b"], "gaussian_noise", {"sigma": [10.0, 50.0]}, PLAIN)
    all_of_them = list(views(*arguments, range(4), 0))
    (alone,) = views(*arguments, [3], 0)
    assert alone.photograph == 1
    np.testing.assert_array_equal(alone.degraded, all_of_them[3].degraded)
    assert not np.array_equal(all_of_them[1].clean, all_of_them[3].clean)
    assert all(min(view.clean.shape[:2]) >= 96 for view in all_of_them)
    (other,) = views(*arguments, [3], 1)
    assert other.clean.shape != alone.clean.shape or (other.clean != alone.clean).any()
