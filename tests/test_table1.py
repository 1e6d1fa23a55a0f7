"""The whole Table 1: the paper's numbers, what networks cost, the order, a run of all systems."""

import csv
import json
import math
import re
import subprocess
from dataclasses import asdict

import numpy as np
import pandas as pd
import preloaded
import pytest
import torch
import yaml
from conftest import ROOT, TINY, write_photographs
from conftest import Tree as OwnTree
from safetensors.torch import load_file
from tiny_procedures import TINY as PROCEDURES

from grids.base.errors import InputError
from grids.configuration import loading
from grids.configuration.settings import PaperRow
from grids.models import costs as network_costs
from grids.models import restorers, weights
from grids.report import compared, paper
from grids.report.systems import KINDS, MARKS, Row, own_rows

# Rows of the file that was read from the paper, by what they are called here.
READ = {
    "RealESRNet(dagger released)": "RealESRNet released",
    "RealESRGAN(decoded guess)": "RealESRGAN released",
    "AirNet(dagger released)": "AirNet released",
    "IDR(star retrained)": "IDR retrained",
    "RealESRNet(star retrained)": "RealESRNet retrained",
    "AMIRNet(star retrained)": "AMIRNet retrained",
    "SRResNet(upper bound)": "SRResNet single",
    "SRResNet(baseline)": "SRResNet mix",
    "GRIDS(SRResNet)": "SRResNet grouped",
    "Restormer(upper bound)": "Restormer single",
    "Restormer(baseline)": "Restormer mix",
    "GRIDS(Restormer)": "Restormer grouped",
}


class TestPaper:
    def test_numbers_are_those_that_were_read(self):
        with open(ROOT / "tests/data/table1_div2k_psnr.csv", newline="", encoding="utf-8") as file:
            read = {row["method"]: row for row in csv.DictReader(file)}
        assert set(READ.values()) == set(paper.TABLE1)
        for method, name in READ.items():
            renamed = {"salt_pepper_noise": "sp_noise"}
            for degradation, psnr in paper.TABLE1[name].by_degradation().items():
                assert psnr == float(read[method][renamed.get(degradation, degradation)]), name
            assert paper.TABLE1[name].released == ("released" in name)
            doubtful = {"RealESRGAN released", "AirNet released"}
            assert bool(paper.TABLE1[name].note) == (name in doubtful)

    def test_a_configuration_may_name_each_row_that_is_no_model_of_grids(self):
        own = {row.paper for name in ("srresnet", "restormer") for row in own_rows(name, name)}
        assert {*PaperRow.__args__} == {"", *paper.TABLE1} - own


class TestCosts:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch):
        monkeypatch.setattr(network_costs, "SIDE", 32)
        monkeypatch.setattr(network_costs, "SECONDS", 0.0)

    def measured(self, backbone, **sizes):
        return network_costs.measure(backbone, sizes, torch.device("cpu"))

    def test_multiplications_are_those_that_one_counts_by_hand(self):
        """3×3 convolutions: 3 → 4, two of a block and one behind it 4 → 4, 4 → 3."""
        found = self.measured("srresnet", features=4, blocks=1, strided=False)
        weights = 9 * (3 * 4 + 3 * 4 * 4 + 4 * 3)
        assert found["parameters"] == weights + 4 * 4 + 3
        assert found["gmacs"] == pytest.approx(weights * 32 * 32 / 1e9, rel=1e-12)

    def test_at_smaller_sides_there_are_fewer(self):
        """Of rrdbnet at scale 1: the trunk at a quarter of the side, two enlargements by 2."""
        found = self.measured("rrdbnet", features=4, blocks=1, growth=2)
        dense = sum((4 + 2 * before) * (2 if before < 4 else 4) for before in range(5))
        trunk = 48 * 4 + 3 * dense + 4 * 4
        macs = 9 * (trunk * 8 * 8 + 4 * 4 * 16 * 16 + 2 * 4 * 4 * 32 * 32 + 4 * 3 * 32 * 32)
        # conv_up2 and conv_hr are of the full side, and conv_last.
        assert found["gmacs"] == pytest.approx(macs / 1e9, rel=1e-12)

    def test_time_and_place_are_told(self):
        found = self.measured("srresnet", features=4, blocks=1)
        assert found["seconds_per_megapixel"] > 0
        assert (found["side"], found["device"]) == (32, "CPU")
        assert found["threads"] == torch.get_num_threads()

    @pytest.mark.skipif(not network_costs.STATUS.exists(), reason="no /proc")
    def test_memory_is_that_of_the_activations(self):
        """In a process of its own, in which nothing freed is used again: two to eight of them."""
        code = (
            "import torch; torch.set_num_threads(1); from grids.models import costs; "
            "costs.SECONDS = 0; "
            "sizes = {'features': 64, 'blocks': 1}; "
            "print(costs.measure('srresnet', sizes, torch.device('cpu'))['peak_mib'])"
        )
        done = subprocess.run([preloaded.python(), "-c", code], capture_output=True, text=True)
        activation = 64 * 256 * 256 * 4 / 2**20
        assert 2 * activation < float(done.stdout) < 8 * activation, done.stderr


NAMES = ["jpeg", "r_l", "sr"]
ROWS = [
    Row("ours", "a", "IDR retrained", training=paper.PROTOCOL),
    Row("theirs", "b", "AirNet released", released=True, own=["camera"]),
    Row("nobody's", "a"),
    *own_rows("srresnet", "srresnet", training=paper.PROTOCOL | {"batch": 4}),
]
PSNR = [
    pd.Series(dict(zip(NAMES, values, strict=True)))
    for values in ([30, 33, 34], [28, 22, 27], [9, 9, 9], [31, 34, 35], [30, 33, 33], [31, 35, 36])
]


@pytest.fixture
def table():
    return compared.table(ROWS, PSNR)


class TestTable:
    def test_has_the_papers_columns_and_numbers(self, table):
        wide = table.pivot(index="row", columns="degradation", values="paper_db")
        assert list(table["degradation"].unique()) == ["r_l", "sr", "jpeg", "average"]
        assert wide.loc["ours", ["r_l", "sr", "jpeg"]].tolist() == [33.68, 34.52, 30.57]
        assert wide.loc["ours", "average"] == pytest.approx((33.68 + 34.52 + 30.57) / 3)
        assert wide.loc["nobody's"].isna().all()
        assert wide.loc["SRResNet, GRIDS", "jpeg"] == 31.29
        ours = table.pivot(index="row", columns="degradation", values="psnr_db")
        assert ours.loc["theirs"].to_dict() == {"jpeg": 28, "r_l": 22, "sr": 27, "average": 77 / 3}

    def test_an_average_is_of_the_same_degradations_or_none(self):
        more = [values | {"haze": 20.0} for values in map(dict, PSNR)]
        table = compared.table(ROWS, [pd.Series(values) for values in more])
        assert list(table["degradation"].unique()) == ["r_l", "sr", "jpeg", "haze", "average"]
        assert table.query("degradation == 'average'")["paper_db"].isna().all()
        assert not table.query("degradation == 'average'")["psnr_db"].isna().any()
        # The order is by those that both have.
        known = compared.order(compared.table(ROWS, PSNR), None)
        assert compared.order(table, None) == known

    def test_differences_are_marked(self):
        of_the_paper = {"train": paper.TRAINED_ON, "div2k": paper.TESTED_ON, "kodak24": 24}
        ours, theirs, nobodys, single, *_ = ROWS
        assert ours.differences(of_the_paper, "div2k") == []
        assert ours.differences(of_the_paper, "kodak24") == ["data"]
        assert ours.differences(of_the_paper | {"train": 399}, "div2k") == ["data"]
        assert theirs.differences(of_the_paper | {"train": 399}, "div2k") == ["data"]
        assert nobodys.differences(of_the_paper, "kodak24") == []
        assert single.differences(of_the_paper, "div2k") == ["scale"]
        small = Row(**asdict(theirs) | {"sized": False, "released": False, "own": []})
        assert small.differences(of_the_paper, "div2k") == ["scale", "weights"]
        assert set(MARKS) == {"scale", "data", "weights"}

    def test_text_has_both_numbers_and_what_is_doubtful(self, table):
        measured = {
            name: {"parameters": 1234567, "gmacs": 1.5, "side": 256, "seconds_per_megapixel": 2.0}
            | {"peak_mib": None, "device": "CPU", "threads": 1}
            for name in ("a", "b", "srresnet")
        }
        costs = compared.costs(ROWS, [1, 1, 1, 3, 1, 2], measured)
        orders = {"kodak24": compared.order(table, 0.1)}
        text = compared.text(ROWS, {"kodak24": table}, costs, orders, {"train": 1, "kodak24": 24})
        lines = [re.sub(" +", " ", line).strip() for line in text.splitlines()]
        assert "ours 33.00 34.00 30.00 32.33" in lines
        assert "paper (other data) 33.68 34.52 30.57 32.92" in lines
        assert "paper (other scale, data) 34.21 34.62 31.37 33.40" in lines
        assert any(line.startswith("AirNet released: JPEG is above") for line in lines)
        assert not any(line.startswith("RealESRGAN released") for line in lines)
        assert "theirs: trained on camera." in lines
        assert "SRResNet, single-task 3 1,234,567 1.50 2.00 –" in lines
        drawn = compared.figure({"kodak24": table}, costs)
        shown = {text.get_text() for axes in drawn.axes for text in axes.texts}
        assert {row.name for row in ROWS} <= shown


class TestOrder:
    def test_spearman_is_of_ranks(self, table):
        """By hand: averages 32⅓, 25⅔, 33⅓, 32, 34 against 32.9, 29.3, 33.4, 32.6, 33.7."""
        found = compared.order(table, None)
        assert (found.systems, found.spearman) == (5, pytest.approx(1.0))
        assert found.noise_db is None
        swapped = [PSNR[1], PSNR[0], *PSNR[2:]]
        # Ranks 3, 1, 4, 2, 5 of the paper against 1, 3, 4, 2, 5: 1 − 6·8/(5·24).
        assert compared.order(compared.table(ROWS, swapped), None).spearman == pytest.approx(0.6)

    def test_noise_widens_it(self, table):
        quiet, loud = compared.order(table, 1e-6), compared.order(table, 3.0)
        assert quiet.least == quiet.most == quiet.spearman
        assert loud.least < 0.9 < loud.most
        assert compared.order(table, 3.0) == loud

    def test_two_systems_have_no_order(self):
        table = compared.table(ROWS[:3], PSNR[:3])
        assert math.isnan(compared.order(table, 0.1).spearman)

    def test_the_noise_of_one_is_that_of_a_difference_over_root_two(self):
        def verification(psnr):
            return pd.DataFrame({"degradation": ["jpeg", "sr"], "psnr_db": psnr})

        pairs = [
            (verification([30.0, 30.0]), verification([30.2, 30.2])),
            (verification([30.0, 30.0]), verification([29.0, 30.2])),
        ]
        expected = math.sqrt((0.2**2 + 0.4**2) / 2 / 2)
        assert compared.noise_of_an_average(pairs) == pytest.approx(expected)
        assert compared.noise_of_an_average([]) is None


ROW = {"name": "mine", "backbone": "rrdbnet"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"compared": [ROW, ROW]}, r"report\.compared, 1 \(mine\): a row of this name stands"),
        ({"compared": [ROW | {"backbone": "rrdbne"}]}, r"compared, 1 \(mine\) 'rrdbne'; did you"),
        (
            {"compared": [ROW | {"backbone": "idr"}]},
            r"compared, 1 \(mine\): idr is not among",
        ),
        ({"compared": [ROW | {"degradations": ["jpg"]}]}, r"compared, 1 \(mine\) 'jpg'; did you m"),
        ({"compared": [ROW | {"degradations": ["sr", "sr"]}]}, r"mine\): a degradation stands the"),
        ({"compared": [ROW | {"paper": "DASR"}]}, r"report\.compared\.0\.paper: input should be"),
        ({"compared": [{"name": "mine"}]}, r"report\.compared\.0\.backbone: field required"),
        ({"compared": [ROW | {"reseed": True}]}, r"compared\.0\.reseed: .*did you mean 'reseeded'"),
        (
            {"compared": [ROW | {"reseeded": True, "degradations": ["sr"]}]},
            r"mine\)\.reseeded: only a row that is trained on all",
        ),
        (
            {"compared": [ROW | {"reseeded": True}], "weights": "tests/conftest.py"},
            r"mine\)\.reseeded: rrdbnet has weights and is not trained",
        ),
        ({"weights": "nowhere.pth"}, r"backbones\.rrdbnet\.weights: nowhere\.pth: no such file"),
        ({"procedure": {"rrdbnet": "idr"}}, r"training\.procedure: idr trains idr, not rrdbnet"),
        ({"entry": {"network": "rrdbnt"}}, r"network in backbones\.own 'rrdbnt'; did you mean"),
        ({"entry": {"network": "rrdbnet", "depth": 3}}, r"option of backbones\.own 'depth'"),
        ({"entry": {"features": 4}}, r"unknown backbone 'own'"),
        ({"searched": "own"}, r"search\.backbone: own is another name of srresnet, and exports"),
        ({"budgets": {"rrdbnt": 4}}, r"training\.budgets 'rrdbnt'; did you mean 'rrdbnet'"),
        ({"budgets": {"rrdbnet": 1}, "warmup": 1}, r"fewer than training\.budgets\.rrdbnet \(1\)"),
    ],
)
def test_mistakes_are_one_line(change, message):
    config = json.loads(json.dumps(TINY))
    config["images"] = {}
    config["search"].pop("test_set")
    config["report"] = {"compared": change.get("compared", [])}
    given = {"weights": change["weights"]} if "weights" in change else {}
    config["backbones"] |= {"rrdbnet": given, "own": {"network": "srresnet"}}
    config["backbones"]["own"] = change.get("entry", config["backbones"]["own"])
    config["search"] |= {"backbone": change.get("searched", "srresnet")}
    for key in change.keys() & {"procedure", "budgets", "warmup"}:
        config["training"][key] = change[key]
    with pytest.raises(InputError, match=message) as error:
        loading.load(config)
    assert "\n" not in str(error.value)


def test_a_network_cannot_stand_under_the_name_of_another():
    config = json.loads(json.dumps(TINY)) | {"images": {}}
    config["search"].pop("test_set")
    config["report"] = {}
    config["backbones"]["idr"] = {"network": "srresnet"}
    with pytest.raises(InputError, match=r"backbones\.idr\.network: idr is a network itself"):
        loading.load(config)


FOUR = [name for name, entry in TINY["degradations"].items() if entry == {}]
THREE = sorted(FOUR)[:3]


@pytest.fixture
def small(tmp_path, checkout):
    """A tree of config/table1.yaml: one backbone, three degradations, tiny networks, few steps."""
    # Costs are measured as quickly as it goes.
    costs = checkout / "grids/models/costs.py"
    text = costs.read_text(encoding="utf-8")
    assert "SECONDS = 1.0" in text
    costs.write_text(text.replace("SECONDS = 1.0", "SECONDS = 0.0"), encoding="utf-8")
    write_photographs(tmp_path / "photographs")
    tree = OwnTree(tmp_path, checkout)
    shipped = yaml.safe_load((ROOT / "config/table1.yaml").read_text(encoding="utf-8"))
    chain = {"realesrgan": shipped["degradations"]["realesrgan"]}
    names = shipped["backbones"]
    rrdbnet = {"network": "rrdbnet", "features": 4, "blocks": 1, "growth": 2}
    sizes = {
        "srresnet": TINY["backbones"]["srresnet"],
        "restormer": {"dim": 4, "blocks": [1, 1, 1, 1], "refinement": 1, "heads": [1, 1, 1, 1]},
        "realesrnet": rrdbnet,
        "realesrgan": rrdbnet,
        **{name: PROCEDURES[name].sizes for name in ("airnet", "amirnet", "idr")},
    }
    options = {name: PROCEDURES[name].options for name in ("airnet", "amirnet", "realesrgan")}
    tasks = {name: number % 3 + 1 for number, name in enumerate(THREE)}
    options["idr"] = {"first_share": 0.5, "tasks": tasks}
    assert sizes.keys() == names.keys()
    assert all(sizes[name].get("network") == names[name].get("network") for name in names)
    tree.config = {
        **shipped,
        **{key: TINY[key] for key in ("results", "images", "pies", "descriptor", "ggd")},
        "degradations": TINY["degradations"] | chain,
        "backbones": sizes,
        "procedures": options,
        "search": {
            **shipped["search"],
            "test_set": "own",
            "degradations": THREE,
            "groups": [THREE[:2], THREE[2:]],
        },
        "training": {
            **shipped["training"],
            "iterations": 4,
            "batch": 3,
            "patch": 16,
            "warmup": 1,
            "budgets": dict.fromkeys(shipped["training"]["budgets"], 2),
        },
        "report": shipped["report"] | {"test_sets": ["own"], "backbones": ["srresnet"]},
        "execution": {"device": "cpu"},
    }
    return tree


def test_a_run_of_all_systems(small):
    done = small.executed("table1")
    assert "Training realesrgan on realesrgan" in done
    assert "Training amirnet on {} with seed 1".format("+".join(THREE)) in done
    table = pd.read_csv(small.path("report/table1.csv"))
    rows = [row["name"] for row in small.config["report"]["compared"]]
    rows += [f"SRResNet, {kind}" for kind in KINDS.values()]
    assert list(table["row"].unique()) == rows
    assert np.isfinite(table[["psnr_db", "paper_db"]]).all(axis=None)
    # Of a model that was trained on other degradations, the mean of its own verification.
    measured = pd.read_parquet(small.path("compared/verify/realesrgan/realesrgan/own.parquet"))
    own = table[table["row"] == "RealESRGAN, own data"].set_index("degradation")["psnr_db"]
    for name, psnr in measured.groupby("degradation")["psnr_db"].mean().items():
        assert own[name] == pytest.approx(psnr, abs=1e-4)
    costs = pd.read_csv(small.path("report/table1_costs.csv")).set_index("row")
    assert costs.loc["SRResNet, single-task", "models"] == 3
    assert costs.loc["SRResNet, GRIDS", "models"] == 2
    assert costs.loc["IDR", "models"] == 1
    text = small.path("report/table1.txt").read_text(encoding="utf-8")
    assert "Order of 9 systems by their averages, Spearman with the paper's: " in text
    assert "in nine of ten draws" in text
    assert "RealESRGAN, own data: trained on realesrgan." in text

    # How long a network is trained concerns its models alone.
    assert small.jobs("table1") == set()
    small.config["training"]["budgets"]["idr"] = 3
    again = {job for job in small.jobs("table1") if job.startswith(("Training", "Measuring"))}
    assert again == {"Training idr on {}".format("+".join(THREE))}


def test_an_entry_of_another_name_is_its_network(other):
    other.config["backbones"]["small"] = {"network": "srresnet", "features": 4, "blocks": 1}
    other.config["report"]["compared"] = [{"name": "small", "backbone": "small"}]
    assert other.jobs("all") == set(), "further rows are asked for by `table1` alone"
    model = "results/models/{}/jpeg/model.safetensors"
    other.run(model.format("small"))
    tensors = [load_file(other.folder / model.format(name)) for name in ("small", "srresnet")]
    assert all(np.array_equal(tensor, tensors[1][name]) for name, tensor in tensors[0].items())
    assert weights.about(other.folder / model.format("small"))["backbone"] == "srresnet"


def test_released_weights_of_an_entry_are_measured_on_what_they_were_not_trained_on(tree, tmp_path):
    sizes = {"features": 4, "blocks": 1, "growth": 2}
    state = restorers.build("rrdbnet", sizes).state_dict()
    torch.save({"params": state}, tmp_path / "released.pth")
    entry = {"network": "rrdbnet", "weights": str(tmp_path / "released.pth")}
    tree.config["backbones"]["blind"] = sizes | entry
    target = "results/compared/verify/blind/jpeg/own.parquet"
    assert "Adopting the weights of blind for jpeg" in tree.executed(target)
    assert set(pd.read_parquet(tree.folder / target)["degradation"]) == set(FOUR)
    tree.config["backbones"]["blind"]["features"] = 6
    assert "backbones.blind.weights: " in tree.error("-n", target)
    tree.config["backbones"]["blind"]["features"] = 4
    tree.config["report"]["compared"] = [{"name": "SRResNet, GRIDS", "backbone": "blind"}]
    assert "report.compared, 1 (SRResNet, GRIDS): models of report" in tree.error("-n", target)
