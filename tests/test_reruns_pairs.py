"""What runs again after a change of pairs: exactly the affected jobs (see test_reruns)."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Tree, write_photographs
from messages import MATRIX, SEARCH, reseeded, train, verify
from PIL import Image

from grids.runs.orphans import orphans, wanted

REAL_AGAIN = reseeded("real") | {
    "Restoring samples with srresnet of jpeg+real",
    "Drawing the training of srresnet on jpeg+real",
}


def write_pair(folder, side, name, pixels):
    path = folder / "pairs" / side / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """A finished tree of two degradations, one of them a folder of pairs."""
    folder = tmp_path_factory.mktemp("paired")
    write_photographs(folder / "photographs")
    for number, path in enumerate(sorted((folder / "photographs/train").iterdir())):
        name = f"{('train', 'train', 'pies', 'pies', 'test')[number]}{number}.png"
        pixels = np.asarray(Image.open(path))
        write_pair(folder, "clean", name, pixels)
        write_pair(folder, "noisy", name, pixels // 2)
    tree = Tree(folder)
    tree.config["degradations"] = dict.fromkeys(tree.config["degradations"]) | {
        "jpeg": {},
        "real": {
            "pairs": {
                "degraded": "pairs/noisy",
                "clean": "pairs/clean",
                "split": {"train": "train*", "pies": "pies*", "test": "test*"},
            }
        },
    }
    tree.config["search"]["degradations"] = ["jpeg", "real"]
    tree.config["report"]["noise_degradations"] = ["real"]
    tree.run("all")
    return tree


class TestPairs:
    MIX = "jpeg+real"
    EVERY = ("jpeg", "real", MIX)

    @pytest.fixture
    def other(self, paired, tmp_path):
        return paired.copy(tmp_path / "tree")

    def change(self, tree, side, name):
        """Changes a pixel of a pair's image."""
        path = tree.folder / "pairs" / side / name
        pixels = np.array(Image.open(path))
        pixels[5, 5] ^= 1
        write_pair(tree.folder, side, name, pixels)

    def stores(self, part):
        return {
            f"Indexing the photographs of real.{part}",
            f"Decoding the photographs of real.{part}",
        }

    def again(self, groups):
        return set().union(*(train(group) | verify(group) for group in groups))

    def test_nothing_runs_again_untouched_or_touched(self, other, monkeypatch):
        for path in (other.folder / "pairs").rglob("*.png"):
            path.touch()
        assert other.jobs("all") == set()
        pies = pd.read_parquet(other.path("pies/real.parquet"))
        assert pies["id"].str.startswith("pair_").all()
        assert len(pies) == other.config["pies"]["patches"]
        verified = pd.read_parquet(other.path("verify/srresnet/jpeg+real/own.parquet"))
        assert verified.groupby("degradation")["image"].nunique().to_dict() == {
            "jpeg": 5,
            "real": 1,
        }
        text = other.path("report/table1_srresnet_own.txt").read_text(encoding="utf-8")
        assert "Measured on test pairs of its own, not on own: real." in text
        monkeypatch.chdir(other.folder)
        assert list(orphans(Path("results"), wanted(other.options()))) == []

    def test_what_selection_cannot_choose_for_is_said(self, other):
        done = other.snakemake("--dry-run", "results/bundle")
        assert done.returncode != 0
        assert "selection.groups: real is given as pairs" in done.stdout

    @pytest.mark.parametrize("side", ["noisy", "clean"])
    def test_a_pair_to_train_on(self, other, side):
        self.change(other, side, "train0.png")
        assert other.jobs("all") == (
            self.stores("train") | self.again(["real", self.MIX]) | REAL_AGAIN | SEARCH
        )

    def test_a_pair_for_pies(self, other):
        self.change(other, "noisy", "pies2.png")
        assert other.jobs("all") == {
            *self.stores("pies"),
            "Cutting the PIES patches of the pairs: real",
            "Describing real",
            "Drawing the contact sheet of the degradations",
            *MATRIX,
        }

    def test_a_pair_to_test_on(self, other):
        self.change(other, "clean", "test4.png")
        assert other.jobs("all") == {
            *self.stores("test"),
            *verify("real"),
            *verify(self.MIX),
            "Verifying srresnet on real with own, seed 1",
            f"Restoring samples with srresnet of {self.MIX}",
            *SEARCH,
        }

    def test_a_pair_more(self, other):
        for side in ("noisy", "clean"):
            write_pair(other.folder, side, "test9.png", np.zeros((40, 50, 3), np.uint8))
        jobs = other.jobs("all")
        assert verify("real") <= jobs
        assert not {job for job in jobs if job.startswith(("Training", "Describing"))}

    def test_a_photograph_to_test_on(self, other):
        source = other.folder / "photographs" / "own"
        shutil.copy(source / "0.png", source / "9.png")
        jobs = other.jobs("all")
        assert set().union(*map(verify, self.EVERY)) <= jobs
        assert not {job for job in jobs if job.startswith("Training")}

    def test_what_operators_alone_are_made_with_knows_no_pairs(self, other):
        record = json.loads(
            other.path("records/models/srresnet/jpeg/model.safetensors.json").read_text()
        )
        assert set(record["params"]) == {
            *("content", "recipe", "sampling", "group", "sizes", "procedure", "start", "seed"),
            "code",
        }
        assert record["params"]["group"] == {"jpeg": {"quality": [10, 40]}}

    def test_severities_of_pairs_are_refused(self, other):
        done = other.snakemake("results/severity/real.parquet")
        assert done.returncode != 0
        assert "real is given as pairs, which have no severities" in done.stdout
