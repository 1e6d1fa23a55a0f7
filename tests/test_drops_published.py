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
    numbers = {field["name"] for field in records["field"] if field["dataType"] == "sc:Float"}
    assert numbers == set(table.select_dtypes("number").columns)


def test_each_group_has_each_of_its_members_at_each_budget():
    table = pd.read_parquet(FOLDER / "nafnet.parquet")
    assert table["group"].nunique() == 17
    assert not table.isna().any(axis=None)
    for (group, _), rows in table.groupby(["group", "budget"]):
        assert sorted(rows["degradation"]) == group.split("+")
    assert set(table["budget"]) == {0.1, 0.3, 1.0}
    assert np.allclose(table["single_db"] - table["psnr_db"], table["drop_db"])
