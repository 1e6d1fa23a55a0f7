import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from grids.models.samples import crops
from grids.report import samples, training


def history(validation, rollbacks):
    steps = np.arange(1, 201) * 30
    return pd.DataFrame(
        {
            "step": steps,
            "loss": 1 / steps,
            "learning_rate": 1e-4,
            "steps_per_second": 3.0,
            "memory_mib": 2000.0,
            "validation_psnr_db": np.where(steps % 300 == 0, validation, np.nan),
            "rollbacks": np.where(steps > 3000, rollbacks, 0),
        }
    )


@pytest.mark.parametrize(("validation", "rollbacks"), [(30.0, 1), (np.nan, 0)])
def test_figure_shows_what_there_is(validation, rollbacks):
    figure = training.figure(history(validation, rollbacks), "srresnet", ["jpeg", "r_l"])
    figure.draw_without_rendering()
    loss, psnr, rate = figure.axes
    assert "on JPEG, R-L" in loss.get_title()
    assert rate.get_xlabel() == "step"
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert texts == ({"rolled back"} if rollbacks else {"not measured"})
    assert len(psnr.lines) == 1 + rollbacks


def test_figure_shows_shares_where_they_follow_single_task_models():
    shares = {"share_jpeg": 0.6, "share_r_l": 0.4, "behind_jpeg_db": 0.3, "behind_r_l_db": 0.1}
    followed = history(30.0, 0).assign(**shares)
    figure = training.figure(followed, "srresnet", ["jpeg", "r_l"])
    figure.draw_without_rendering()
    last = figure.axes[-1]
    assert [text.get_text() for text in last.get_legend().get_texts()] == ["JPEG", "R-L"]
    assert [line.get_ydata()[0] for line in last.lines] == [0.6, 0.4]
    assert (last.get_xlabel(), last.get_ylabel()) == ("step", "share of\nthe samples")


def test_few_steps_have_whole_numbers():
    figure = training.figure(history(np.nan, 0).head(3).assign(step=[1, 2, 3]), "srresnet", ["sr"])
    figure.draw_without_rendering()
    assert all(tick == int(tick) for tick in figure.axes[-1].get_xticks())


def test_strip_has_a_row_a_degradation_with_before_after_and_clean():
    photograph = np.random.default_rng(0).integers(0, 256, (140, 90, 3), np.uint8)
    black = {"inpainting": {"lines": 5, "thickness": 5.0}, "sr": {"scale": 2}}
    cpu = torch.device("cpu")
    shown = crops(nn.Identity(), black, [photograph], 0, cpu, pairs={}, side=samples.SIDE)
    picture = samples.strip(shown)
    pixels = np.asarray(picture)
    row = samples.LINE + samples.SIDE + samples.GAP
    assert pixels.shape == (samples.LINE + 2 * row + samples.GAP, 400, 3)
    # Each column has a heading.
    head = pixels[: samples.GAP + samples.LINE]
    assert all((head[:, left : left + 128] < 200).any() for left in (4, 4 + 132, 4 + 2 * 132))
    top = samples.GAP + 2 * samples.LINE
    before, after, clean = (
        pixels[top : top + 128, left : left + 90] for left in (4, 4 + 132, 4 + 2 * 132)
    )
    assert np.array_equal(clean, photograph[6:134])
    assert np.array_equal(before, after)
    assert not np.array_equal(before, clean)
