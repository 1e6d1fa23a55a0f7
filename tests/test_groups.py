import json
import math

import pandas as pd
import pytest

from grids.images import overlap
from grids.search import result

IMAGES = ["a.png", "b.png"]


def verification(**psnr):
    """PSNR of the two images for each degradation."""
    return pd.DataFrame(
        [
            {"degradation": name, "image": image, "psnr_db": value}
            for name, values in psnr.items()
            for image, value in zip(IMAGES, values, strict=False)
        ]
    )


SINGLES = [
    verification(jpeg=[30.0, 32.0]),
    verification(poisson_noise=[31.0, 33.0]),
    verification(sr=[36.0, 38.0]),
]
MIX = verification(jpeg=[29.0, 31.0], poisson_noise=[31.0, 33.0], sr=[34.0, 36.0])
# Drops of JPEG: 0.4 and 0.6; of Poisson noise: −0.2 twice.
PAIR = verification(jpeg=[29.6, 31.4], poisson_noise=[31.2, 33.2])
FAILED = verification(jpeg=[29.0, 31.0], sr=[36.0, 38.0])

PLANS = [
    {"round": 0, "strategy": "paper", "delta": 0.7, "requests": ["jpeg+sr"]},
    {"round": 1, "strategy": "paper", "delta": 0.7, "requests": ["jpeg+poisson_noise"]},
    {"round": 2, "strategy": "paper", "delta": 0.7, "solution": ["sr", "jpeg+poisson_noise"]},
]


def summary(plans=PLANS, verifications=(*SINGLES, MIX, PAIR, FAILED), reseeded=(), elsewhere=()):
    return result.summary(
        plans,
        verifications,
        reseeded,
        degradations=["jpeg", "poisson_noise", "sr"],
        backbone="srresnet",
        test_set="tiny",
        models="results/models/srresnet",
        elsewhere=elsewhere,
    )


def test_groups_come_with_their_drops_and_models_the_large_ones_first():
    pair, alone = summary()["groups"]
    assert pair == {
        "name": "jpeg+poisson_noise",
        "degradations": ["jpeg", "poisson_noise"],
        "drop_db": {"jpeg": pytest.approx(0.5), "poisson_noise": pytest.approx(-0.2)},
        # Differences 0.4 and 0.6: sample deviation 0.2/√2, over √2 images.
        "drop_std_db": {"jpeg": pytest.approx(0.1), "poisson_noise": pytest.approx(0, abs=1e-6)},
        "feasible": True,
        "origin": "trained",
        "model": "results/models/srresnet/jpeg+poisson_noise/model.safetensors",
    }
    assert alone["degradations"] == ["sr"]
    assert alone["drop_db"] == {"sr": 0}


def test_counts_what_was_spent_and_saved():
    found = summary()
    assert found["trainings"] == {"single": 3, "group": 3}
    assert found["saved"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["rounds"] == 2
    assert (found["delta"], found["strategy"]) == (0.7, "paper")


def test_verified_groups_stand_in_the_order_of_their_requests():
    verified = summary()["verified"]
    assert [(v["name"], v["round"], v["feasible"]) for v in verified] == [
        ("jpeg+poisson_noise+sr", None, False),
        ("jpeg+sr", 0, False),
        ("jpeg+poisson_noise", 1, True),
    ]
    assert verified[0]["drop_db"] == {"jpeg": 1, "poisson_noise": 0, "sr": 2}


def test_what_was_trained_elsewhere_has_no_model_and_is_not_counted():
    found = summary(elsewhere=["jpeg", "sr", "jpeg+poisson_noise"])
    assert found["trainings"] == {"single": 1, "group": 2}
    assert [(g["origin"], g["model"]) for g in found["groups"]] == [("measurements", None)] * 2
    assert [v["origin"] for v in found["verified"]] == ["trained", "trained", "measurements"]


def test_a_failed_training_stands_there_without_a_drop():
    failed = FAILED.assign(psnr_db=-math.inf)
    found = summary(verifications=(*SINGLES, MIX, PAIR, failed))
    assert found["failed"] == ["jpeg+sr"]
    assert found["verified"][1]["drop_db"] == {"jpeg": None, "sr": None}
    assert not found["verified"][1]["feasible"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_given_groups_may_lose_more_than_delta():
    plans = [
        {"round": 0, "strategy": "given", "delta": 0.4, "solution": ["jpeg+poisson_noise", "sr"]}
    ]
    found = summary(plans=plans)
    assert [group["feasible"] for group in found["groups"]] == [False, True]
    assert "given, not searched; 1 of them" in found["verdict"]


def test_a_requested_mix_has_its_round():
    first = {**PLANS[0], "requests": ["jpeg+poisson_noise+sr", "jpeg+sr"]}
    verified = summary([first, *PLANS[1:]])["verified"]
    assert [(v["name"], v["round"]) for v in verified][:2] == [
        ("jpeg+poisson_noise+sr", 0),
        ("jpeg+sr", 0),
    ]


def test_noise_is_the_root_mean_square_of_reseeded_differences():
    found = summary(reseeded=[verification(jpeg=[30.3, 32.3]), verification(sr=[35.6, 37.6])])
    assert found["noise_measured_on"] == [
        {"degradation": "jpeg", "difference_db": pytest.approx(0.3)},
        {"degradation": "sr", "difference_db": pytest.approx(-0.4)},
    ]
    assert found["noise_db"] == pytest.approx(math.sqrt((0.09 + 0.16) / 2), abs=1e-6)
    assert not found["conclusive"]  # 0.7 is less than three times 0.35
    assert "2.0 times the noise of a drop, 0.35 dB" in found["verdict"]


def test_what_weakens_the_outcome_is_said():
    assert "gains less than δ" not in summary()["verdict"]
    weak = [t.assign(input_psnr_db=t["psnr_db"] - 0.6) for t in SINGLES[:1]]
    found = summary(
        verifications=[*weak, *SINGLES[1:], MIX, PAIR, FAILED],
        reseeded=[verification(jpeg=[30.3, 32.3])],
    )
    assert "measured on one model alone, of jpeg" in found["verdict"]
    assert "On jpeg the single-task model itself gains less than δ" in found["verdict"]


def test_one_image_has_no_standard_error_and_the_result_is_json():
    found = summary(
        verifications=[table[table["image"] == "a.png"] for table in (*SINGLES, MIX, PAIR, FAILED)]
    )
    assert found["groups"][0]["drop_std_db"] == {"jpeg": None, "poisson_noise": None}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["noise_db"] is None
    assert found["noise_measured_on"] == []


@pytest.mark.parametrize(
    ("arguments", "conclusive", "parts"),
    [
        (
            (3, 11, 0.7, 0.1346),
            True,
            ["3 groups for 11 degradations at δ = 0.7 dB (5.2 times the noise of a drop, 0.13 dB)"],
        ),
        ((3, 11, 0.7, 0.3), False, ["inconclusive", "at least 3 times"]),
        ((1, 11, 0.7, 0.1), False, ["1 group for", "inconclusive", "nothing to separate"]),
        ((11, 11, 0.7, 0.1), False, ["inconclusive", "no two degradations"]),
        ((3, 11, 0.7, None), True, ["the noise of a drop was not measured"]),
        ((3, 11, 0.7, 0.0), True, ["inf times"]),
    ],
)
def test_verdict(arguments, conclusive, parts):
    judged, sentence = result.judge(*arguments)
    assert judged is conclusive
    assert all(part in sentence for part in parts)
    assert ("inconclusive" in sentence) is not conclusive


def test_training_on_the_test_photographs_stands_in_the_verdict():
    found = result.summary(
        PLANS,
        (*SINGLES, MIX, PAIR, FAILED),
        (),
        degradations=["jpeg", "poisson_noise", "sr"],
        backbone="srresnet",
        test_set="tiny",
        models="results/models/srresnet",
        trained_on=["a.png"],
        caution=overlap.described(["a.png"], 2, "tiny"),
    )
    assert "1 of 2 photographs of tiny are trained on as well (a.png)" in found["verdict"]
    assert found["trained_on"] == ["a.png"]
    assert "trained on as well" not in summary()["verdict"]
    assert summary()["trained_on"] == []
