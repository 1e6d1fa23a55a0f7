"""What is said of a choice: shares, dB kept, promises, recognition, against numbers by hand."""

import numpy as np
import pandas as pd
import pytest

from grids.report import nearest, selection

ROWS = [
    # kind, degradation, group, paper, discriminant, model, verdict, nearest, gains of x, y and mix,
    # predicted
    ("whole", "a", "x", "x", "x", "x", "restore", "x", 4.0, 1.0, 3.0, 4.5),
    ("whole", "a", "x", "y", "x", "x", "restore", "x", 6.0, 2.0, 3.0, 5.5),
    ("whole", "b", "y", "y", "x", "x", "refuse", "y", 1.0, 5.0, 4.0, 3.0),
    ("whole", "b", "y", "x", "y", "mix", "restore", "x", 0.0, 3.0, 2.0, 3.0),
    ("mixed", "a+b", None, "y", "x", "x", "restore", None, 2.0, 1.0, 1.0, 2.5),
    ("severity", "a", "x", None, "x", "x", "restore", None, 2.5, 2.0, 1.5, 0.0),
    ("severity", "a", "x", None, "y", "y", "leave", None, 2.0, -1.0, -0.7, -1.5),
    ("severity", "a", "x", None, "y", "y", "restore", None, 3.0, -0.6, 2.0, 1.0),
    ("clean", "clean", None, "x", "x", "x", "leave", None, -3.0, -2.0, -1.0, -2.5),
    ("clean", "clean", None, "x", "x", "x", "restore", None, -3.0, -2.0, -0.5, 0.0),
    ("unseen", "haze", None, "y", "y", "y", "leave", None, np.nan, np.nan, np.nan, 0.0),
]


@pytest.fixture
def decisions():
    columns = ["kind", "degradation", "group", "paper", "discriminant", "model", "verdict"]
    gains = ["nearest", "gain_db:x", "gain_db:y", "gain_db:mix", "predicted_gain_db"]
    table = pd.DataFrame(ROWS, columns=[*columns, *gains])
    reach = [1.0] * 9 + [np.inf, 1.0]
    return table.assign(
        photograph=list("12121212121"),
        strength=[None] * 5 + ["weak", "strong", "weak"] + [None] * 3,
        psnr_db=[20.0] * 5 + [30.0, 12.0, 34.0] + [20.0] * 3,
        low_db=table["predicted_gain_db"] - reach,
        high_db=table["predicted_gain_db"] + reach,
        paper_distance=[1.0, 2, 3, 4, 5, np.nan, np.nan, np.nan, 2.5, 2.5, 6],
        odds=[-9.0, -8, -1, -7, -3, -5, -5, -5, 0, 1, -4],
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
    assert ("severity", "paper") not in table.index


def test_promises(decisions):
    table = selection.promises(decisions).set_index("kind")
    # Gains of the models: 4, 6, 1, 2 of the mix, against 4.5, 5.5, 3, 3; margin 1.
    assert table["within"]["whole"] == 0.75
    assert table["error_db"]["whole"] == pytest.approx((0.5 + 0.5 + 2 + 1) / 4)
    assert table["width_db"]["whole"] == 2
    assert table["within"]["severity"] == pytest.approx(1 / 3)
    # One of two could not be told.
    assert table["given"]["clean"] == 0.5
    assert table["width_db"]["clean"] == 2
    assert table["within"]["clean"] == 1


def test_outcomes(decisions):
    table = selection.outcomes(decisions).set_index("kind")
    assert table["restored"]["whole"] == 0.75
    assert table["refused"]["whole"] == 0.25
    # 4 and 6, none, and 2 of the mix.
    assert table["gain_db"]["whole"] == pytest.approx(12 / 4)
    assert table["mix_db"]["whole"] == pytest.approx(12 / 4)
    assert table["best_db"]["whole"] == pytest.approx(18 / 4)
    assert table["left"]["clean"] == 0.5
    assert table["gain_db"]["clean"] == pytest.approx(-3 / 2)
    assert table["best_db"]["clean"] == 0
    assert table["harm"]["clean"] == 0.5
    assert table["mix_harm"]["clean"] == 0.5
    assert "unseen" not in table.index


def test_strengths(decisions):
    table = selection.severities(decisions).set_index(["kind", "strength"])
    assert [*table.index] == [("severity", "weak"), ("severity", "strong")]
    weak, strong = table.loc[("severity", "weak")], table.loc[("severity", "strong")]
    # Of the two weak ones x is right and gains 2.5, and y is wrong and loses 0.6.
    assert (weak["cases"], weak["psnr_db"], weak["right"]) == (2, 32, 0.5)
    assert (weak["given"], weak["within"]) == (1, 0)
    assert weak["gain_db"] == pytest.approx((2.5 - 0.6) / 2)
    assert weak["mix_db"] == pytest.approx((1.5 + 2) / 2)
    assert (weak["harm"], weak["mix_harm"]) == (0.5, 0)
    # The strong one is left, and its loss of 1 lies within −1.5 ± 1.
    assert (strong["right"], strong["within"], strong["gain_db"], strong["left"]) == (0, 1, 0, 1)
    assert (strong["harm"], strong["mix_harm"]) == (0, 1)


STEPS = pd.DataFrame(
    {
        "photograph": list("12121"),
        "kind": ["mixed"] * 4 + ["real"],
        "degradation": ["a+b"] * 3 + ["b+a", "phone"],
        "verdict": ["restore", "restore", "leave", "restore", "refuse"],
        "low_db": [np.nan, 1.0, np.nan, 1.0, np.nan],
        "high_db": [np.nan, 3.0, np.nan, 3.0, np.nan],
        "steps_db": [[1.0, 4.0], [2.0], [], [-0.6], []],
        "mix_db": [2.0, 0.0, -1.0, 0.5, 0.3],
    }
)


def test_outsiders():
    table = selection.outsiders(STEPS).set_index(["kind", "degradation"])
    first = table.loc[("mixed", "a+b")]
    assert (first["cases"], first["restored"], first["left"]) == (3, pytest.approx(2 / 3), 1 / 3)
    assert first["one_db"] == pytest.approx((1 + 2) / 3)
    assert first["all_db"] == pytest.approx((4 + 2) / 3)
    assert first["mix_db"] == pytest.approx((2 + 0 - 1) / 3)
    assert [first[f"{way}_harm"] for way in ("one", "all", "mix")] == [0, 0, pytest.approx(1 / 3)]
    # One of the two that are restored has a promise, which holds.
    assert (first["given"], first["within"]) == (0.5, 1)
    other = table.loc[("mixed", "b+a")]
    assert (other["one_harm"], other["given"], other["within"]) == (1, 1, 0)
    assert table["refused"]["real", "phone"] == 1
    assert np.isnan(table["given"]["real", "phone"])
    assert selection.outsiders(STEPS, ["kind"])["cases"].tolist() == [4, 1]


def test_of_each_degradation_a_right_and_a_wrong_choice_are_shown(decisions):
    drawn = decisions.replace({"kind": {"whole": "drawn"}})
    picked = nearest.picked(drawn)
    shown = [*zip(picked["degradation"], picked["right"], picked.index, strict=True)]
    # Undamaged ones are right where they are left.
    assert shown == [
        *[("a", True, 0), ("b", False, 2), ("b", True, 3), ("a+b", True, 4)],
        *[("clean", True, 8), ("clean", False, 9), ("haze", True, 10)],
    ]


def test_recognition(decisions):
    table = selection.recognition(decisions).set_index("degradation")
    # Against the known odds -9, -8, -1, -7 and distances 1, 2, 3, 4.
    assert table["odds"]["clean"] == 1
    assert table["odds"]["haze"] == 0.75
    assert table["paper"]["clean"] == 0.5
    assert table["untouched"]["clean"] == 0.5
    assert table["untouched"]["known, refused by mistake"] == 0.25


def test_ties_count_half():
    assert selection.area(pd.Series([1.0, 2]), pd.Series([1.0, 1])) == pytest.approx(0.75)


def test_text_and_figures_say_what_was_measured(decisions):
    text = selection.text(decisions, STEPS, "own")
    assert "Choice of the group's model on own: 2 photographs, 11 cases" in text
    assert "By strength" in text
    assert "In all steps" in text
    assert "0.75" in text
    crops = decisions[decisions["kind"] == "whole"].assign(kind="crop")
    choices = selection.choices_figure(pd.concat([decisions, crops]))
    shown = {t.get_text() for axes in choices.axes for t in axes.texts}
    assert {"0.50", "1.00"} <= shown
    assert [label.get_text() for label in choices.axes[0].get_xticklabels()] == ["1", "2"]
    gains = selection.gains_figure(decisions)
    assert [axes.get_title().splitlines()[1] for axes in gains.axes] == [
        *("75% within", "33% within", "100% within", "100% within")
    ]


def test_real_pairs_are_measured_without_a_right_group(decisions):
    whole = decisions[decisions["kind"] == "whole"]
    real = whole.assign(kind="real", degradation="phone", group=None, nearest=None)
    table = selection.choices(real).set_index("rule")
    assert np.isnan(table["right"]["discriminant"])
    assert table["kept"]["discriminant"] == pytest.approx((14 - 12) / 6)
    text = selection.text(real, STEPS[:0], "phone")
    assert "real damage, whole" in text
    assert "By strength" not in text
    assert "In all steps" not in text
    assert "Out of distribution" not in text
    assert selection.choices_figure(real).axes[0].get_yticklabels()[0].get_text() == "phone"
