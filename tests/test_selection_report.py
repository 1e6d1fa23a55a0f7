"""What is said of a choice: shares, dB kept, promises, recognition, against numbers by hand."""

import numpy as np
import pandas as pd
import pytest

from grids.report import selection

ROWS = [
    # kind, degradation, group, paper, discriminant, nearest, gains of x, y and mix, predicted
    ("whole", "a", "x", "x", "x", "x", 4.0, 1.0, 3.0, 4.5),
    ("whole", "a", "x", "y", "x", "x", 6.0, 2.0, 3.0, 5.5),
    ("whole", "b", "y", "y", "x", "y", 1.0, 5.0, 4.0, 3.0),
    ("whole", "b", "y", "x", "y", "x", 0.0, 3.0, 2.0, 3.0),
    ("mixed", "a+b", None, "y", "x", None, 2.0, 1.0, 1.0, 2.5),
    ("severity", "a", "x", None, "x", None, 2.5, 2.0, np.nan, 0.0),
    ("clean", "clean", None, "x", "x", None, np.nan, np.nan, np.nan, 0.0),
    ("unseen", "haze", None, "y", "y", None, np.nan, np.nan, np.nan, 0.0),
]


@pytest.fixture
def decisions():
    columns = ["kind", "degradation", "group", "paper", "discriminant", "nearest"]
    gains = ["gain_db:x", "gain_db:y", "gain_db:mix", "predicted_gain_db"]
    return pd.DataFrame(ROWS, columns=[*columns, *gains]).assign(
        photograph=list("12121212"),
        margin_db=1.0,
        paper_distance=[1.0, 2, 3, 4, 5, np.nan, 2.5, 6],
        odds=[-9.0, -8, -1, -7, -3, -5, 0, -4],
        known=[True, True, False, True, True, True, False, True],
    )


def test_choices(decisions):
    table = selection.choices(decisions).set_index(["kind", "rule"])
    assert table["right"]["whole", "paper"] == 0.5
    assert table["right"]["whole", "discriminant"] == 0.75
    # The best gives 4, 6, 5, 3; the mix 3, 3, 4, 2; the paper's choices 4, 2, 5, 0.
    assert table["room_db"]["whole", "paper"] == pytest.approx(18 / 4 - 12 / 4)
    assert table["kept"]["whole", "paper"] == pytest.approx((11 - 12) / (18 - 12))
    assert table["kept"]["whole", "discriminant"] == pytest.approx((14 - 12) / 6)
    assert table["lost_db"]["whole", "nearest"] == pytest.approx(3 / 4)
    # No group is right for two degradations, but one is best.
    assert np.isnan(table["right"]["mixed", "discriminant"])
    assert table["kept"]["mixed", "discriminant"] == 1
    assert ("mixed", "nearest") not in table.index
    assert "severity" not in table.index.get_level_values("kind")


def test_promises(decisions):
    table = selection.promises(decisions).set_index("kind")
    # Gains of the default rule's choice: 4, 6, 1, 3 against 4.5, 5.5, 3, 3; margin 1.
    assert table["within"]["whole"] == 0.75
    assert table["error_db"]["whole"] == pytest.approx((0.5 + 0.5 + 2 + 0) / 4)
    assert table["width_db"]["whole"] == 2
    assert table["within"]["severity"] == 0


def test_recognition(decisions):
    table = selection.recognition(decisions).set_index("degradation")
    # Against the known odds -9, -8, -1, -7 and distances 1, 2, 3, 4.
    assert table["odds"]["clean"] == 1
    assert table["odds"]["haze"] == 0.75
    assert table["paper"]["clean"] == 0.5
    assert table["refused"]["clean"] == 1
    assert table["refused"]["known, by mistake"] == 0.25


def test_ties_count_half():
    assert selection.area(pd.Series([1.0, 2]), pd.Series([1.0, 1])) == pytest.approx(0.75)


def test_text_and_figures_say_what_was_measured(decisions):
    text = selection.text(decisions, "own")
    assert "Choice of the group's model on own: 2 photographs, 8 cases" in text
    assert "0.75" in text
    crops = decisions[decisions["kind"] == "whole"].assign(kind="crop")
    choices = selection.choices_figure(pd.concat([decisions, crops]))
    shown = {t.get_text() for axes in choices.axes for t in axes.texts}
    assert {"0.50", "1.00"} <= shown
    assert [label.get_text() for label in choices.axes[0].get_xticklabels()] == ["1", "2"]
    gains = selection.gains_figure(decisions)
    assert [axes.get_title().splitlines()[1] for axes in gains.axes] == [
        *("75% within", "0% within", "100% within")
    ]
