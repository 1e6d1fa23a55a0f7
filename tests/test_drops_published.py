"""The table of measured drops in benchmarks/drops: what is said of it is so."""

import json

import numpy as np
import pandas as pd
from conftest import ROOT

from grids.base.files import sha256

FOLDER = ROOT / "benchmarks" / "drops"


def test_its_description_for_machines_is_of_this_file():
    about = json.loads((FOLDER / "croissant.json").read_text(encoding="utf-8"))
    (file,) = about["distribution"]
    (records,) = about["recordSet"]
    table = pd.read_parquet(FOLDER / file["contentUrl"])
    assert file["sha256"] == sha256(FOLDER / file["contentUrl"])
    assert [field["source"]["extract"]["column"] for field in records["field"]] == [*table.columns]
    numbers = {field["name"] for field in records["field"] if field["dataType"] != "sc:Text"}
    assert numbers == set(table.select_dtypes("number").columns)


def test_each_group_has_each_of_its_members_at_each_budget():
    table = pd.read_parquet(FOLDER / "nafnet.parquet")
    assert not table.isna().any(axis=None)
    for (group, *_), rows in table.groupby(["group", "start", "seed", "budget"]):
        assert sorted(rows["degradation"]) == group.split("+")
    assert np.allclose(table["single_db"] - table["psnr_db"], table["drop_db"])
    groups = table.groupby(["start", "seed", "budget"])["group"].nunique()
    assert groups.xs(0, level="seed").to_dict() == {
        (start, budget): 17 for start in ("mix", "none") for budget in (0.1, 0.3, 1.0)
    }
    # Those of another seed that were not measured to the end.
    again = groups.xs(1, level="seed")
    assert again.to_dict() == {("none", 0.1): 4, ("none", 0.3): 4, ("none", 1.0): 1}


def test_what_is_known_before_a_training_is_the_same_for_all_of_a_group():
    table = pd.read_parquet(FOLDER / "nafnet.parquet")
    known = ["distance_srresnet", "distance_sift", "affinity", "linearized_db"]
    assert (table.groupby(["group", "degradation"])[known].nunique() == 1).all(axis=None)
