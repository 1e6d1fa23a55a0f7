"""Table 2: groups of high and of low similarity, on verifications that are made up."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, Tree, write_photographs

from grids.base.errors import InputError
from grids.configuration import loading
from grids.report import experiments, paper, table2
from grids.search.group_names import group_name

OWN = {"feature": "srresnet", "higher": ["jpeg", "sr"], "lower": ["haze", "jpeg", "r_l"]}
# Of each model: degradation → change of each of three images against the single-task model.
CHANGES = {
    "jpeg+sr": {"jpeg": [0.1, 0.2, 0.3], "sr": [-0.5, 0.5, 0.3]},
    "haze+jpeg+r_l": {"haze": [-1, -2, -3], "jpeg": [0, 0, 0], "r_l": [-0.3, 0.3, 0.0]},
}


def verification(changes):
    """PSNR of three images, that of the single-task models plus the changes."""
    rows = [
        {"degradation": name, "image": f"{number}.png", "psnr_db": 30 + number + change}
        for name, all_of in changes.items()
        for number, change in enumerate(all_of)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def verifications():
    made = {name: verification(changes) for name, changes in CHANGES.items()}
    return made | {name: verification({name: [0, 0, 0]}) for name in ("haze", "jpeg", "r_l", "sr")}


class TestNumbers:
    def test_needs_the_groups_and_the_single_task_models(self, verifications):
        assert experiments.groups([OWN]) == sorted(verifications)

    def test_changes_are_those_that_were_made_up(self, verifications):
        found = table2.table([OWN], verifications).set_index(["group", "degradation"])
        for group, changes in CHANGES.items():
            for name, all_of in changes.items():
                row = found.loc[group, name]
                assert row["change_db"] == pytest.approx(np.mean(all_of))
                assert row["group_db"] - row["single_db"] == pytest.approx(np.mean(all_of))
                assert row["std_db"] == pytest.approx(np.std(all_of, ddof=1) / math.sqrt(3))
                assert math.isnan(row["paper_db"])

    def test_the_gap_and_its_noise(self, verifications):
        """By hand: means over the members of each image, and their difference."""
        (row,) = table2.claims([OWN], verifications, {}, 0.3).to_dict("records")
        higher, lower = (np.mean([*changes.values()], axis=0) for changes in CHANGES.values())
        assert row["gap_db"] == pytest.approx((higher - lower).mean())
        assert row["std_db"] == pytest.approx(np.std(higher - lower, ddof=1) / math.sqrt(3))
        assert row["noise_db"] == pytest.approx(math.sqrt(0.3**2 / 2 + 0.3**2 / 3))
        together = math.hypot(row["std_db"], row["noise_db"])
        assert row["beyond_noise"] == (row["gap_db"] > 2 * together)
        assert math.isnan(row["higher_distance"])
        assert math.isnan(table2.claims([OWN], verifications, {}, None)["noise_db"].item())

    def test_the_noise_is_that_of_another_seed(self, verifications):
        assert table2.noise_of_a_drop([], verifications) is None
        seeds = [verification({"jpeg": [0.3] * 3}), verification({"sr": [-0.4] * 3})]
        found = table2.noise_of_a_drop(seeds, verifications)
        assert found == pytest.approx(math.sqrt((0.3**2 + 0.4**2) / 2))

    def test_distances_are_means_over_both_directions(self, verifications):
        names = ["haze", "jpeg", "r_l", "sr"]
        pairs = [(a, b) for a in names for b in names]
        matrix = pd.DataFrame(pairs, columns=["source", "target"])
        matrix["distance"] = np.arange(16.0)
        (row,) = table2.claims([OWN], verifications, {"srresnet": matrix}, None).to_dict("records")
        # jpeg → sr is the eighth, sr → jpeg the fourteenth.
        assert row["higher_distance"] == (7 + 13) / 2

    def test_other_images_are_refused(self, verifications):
        verifications["sr"] = verifications["sr"][:2]
        with pytest.raises(InputError, match=r"jpeg\+sr and its single-task models were not"):
            table2.table([OWN], verifications)


class TestPaper:
    def test_means_are_those_that_it_quotes(self):
        """Average changes of its groups, and the distances that are quoted elsewhere too."""
        means = [
            tuple(np.mean([*getattr(one, side).values()]) for side in experiments.SIDES)
            for one in experiments.TABLE2
        ]
        quoted = [
            *((0.685, 0.26), (-0.30, -0.71), (-1.40, -1.68), (-0.34, -0.88)),
            *((-1.06, -0.483), (-1.353, -0.36), (0.053, 0.15)),
        ]
        assert np.allclose(means, quoted, atol=0.006)
        for one in experiments.TABLE2:
            for side, distance in zip(experiments.SIDES, one.distances, strict=True):
                group = tuple(sorted(getattr(one, side)))
                if one.feature == "srresnet" and distance is not None:
                    assert paper.QUOTED_AVERAGES[group] == distance

    def test_the_configuration_has_its_experiments(self):
        said = yaml.safe_load((ROOT / "config/table2.yaml").read_text(encoding="utf-8"))
        assert said["report"]["experiments"] == experiments.of_the_paper()

    def test_an_experiment_in_another_order_is_still_its_own(self):
        one = experiments.of_the_paper()[1]
        turned = one | {"higher": one["higher"][::-1]}
        assert experiments.quoted(turned) == experiments.TABLE2[1]
        assert experiments.quoted(one | {"feature": "sift"}) is None

    def test_its_own_numbers_give_its_own_verdict(self):
        ours = experiments.of_the_paper()
        made = {name: verification({name: [0] * 3}) for name in paper.DEGRADATIONS}
        for one in experiments.TABLE2:
            for side in experiments.SIDES:
                changes = {name: [db] * 3 for name, db in getattr(one, side).items()}
                made[group_name(changes)] = verification(changes)
        changes, found = table2.table(ours, made), table2.claims(ours, made, {}, 0.0)
        assert np.allclose(changes["change_db"], changes["paper_db"])
        text = table2.text(changes, found, "srresnet", "own")
        lines = (
            "DDR (SRResNet): in 4 of 5, 4 beyond 2 times the noise; "
            "in the paper in 4 of 5, the sign is ours in 5",
            "VGG19: in 0 of 1, 0 beyond 2 times the noise; in the paper in 0 of 1, the sign",
            "SIFT: in 0 of 1",
        )
        assert all(line in text for line in lines)
        assert table2.figure(changes, found, "srresnet", "own").axes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feature": "vg"}, "unknown descriptor in report.experiments, 1 'vg'; did you mean 'vgg'"),
        ({"higher": ["jpeg"]}, "report.experiments.0.higher: list should have at least 2 items"),
        ({"lower": ["jpeg", "haze"]}, "report.experiments, 1: haze is not among the degradations"),
        ({"lower": ["jpeg", "jpeg"]}, "report.experiments, 1: a degradation stands in a group tw"),
    ],
)
def test_a_wrong_experiment_is_one_line(change, message):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    config["report"]["experiments"] = [{"higher": ["jpeg", "sr"], "lower": ["r_l", "sr"]} | change]
    with pytest.raises(InputError, match=re.escape(message)):
        loading.load(config)


def test_the_target_makes_it_of_verifications(tmp_path):
    """Of models that were measured elsewhere, so that nothing is trained."""
    write_photographs(tmp_path / "photographs")
    tree = Tree(tmp_path)
    one = {"feature": "vgg", "higher": ["jpeg", "sr"], "lower": ["gaussian_noise", "jpeg"]}
    tree.config["report"] = tree.config["report"] | {"experiments": [one], "noise_seeds": []}
    tree.config["search"]["degradations"] = ["gaussian_noise", "jpeg", "sr"]
    mix = group_name(tree.config["search"]["degradations"])
    change = {"jpeg+sr": 0.5, "gaussian_noise+jpeg": -0.5, mix: -2.0}
    rows = [
        {"group": group, "degradation": name, "image": f"{image}.png"}
        | {"psnr_db": 30 + image + change.get(group, 0)}
        for group in [*experiments.groups([one]), mix]
        for name in group.split("+")
        for image in range(5)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "measured.csv", index=False)
    tree.config["search"]["measurements"] = "measured.csv"
    assert "Writing Table 2" in tree.executed("table2")
    found = pd.read_csv(tree.path("report/table2_claims.csv"))
    assert found["gap_db"].tolist() == [1.0]
    text = tree.path("report/table2.txt").read_text(encoding="utf-8")
    assert "VGG19: in 1 of 1, 1 beyond 2 times the noise" in text
    assert "Drawing Figure 2" in tree.executed("figure2")
    drawn = pd.read_csv(tree.path("report/figure2.csv")).set_index(["degradation", "sharing"])
    assert drawn.loc["jpeg", "change_db"].to_dict() == {"higher": 0.5, "lower": -0.5, "all": -2.0}
    assert drawn.loc["sr", "change_db"].to_dict() == {"higher": 0.5, "all": -2.0}
    # The paper's own need what this configuration has not.
    tree.config["report"]["experiments"] = []
    refused = tree.snakemake("--dry-run", "table2")
    assert refused.returncode != 0
    assert "Table 2 needs operators that the configuration lacks: defocus_blur" in refused.stdout
