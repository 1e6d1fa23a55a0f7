"""The main results as plain tables, for spreadsheets."""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def rankings(tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """All rankings below one another, each with its `size` in front."""
    return pd.concat([table.assign(size=size) for size, table in tables.items()])[
        ["size", *next(iter(tables.values())).columns]
    ]


def drops(found: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each degradation of each group that was verified.

    `group`, `degradation`, `drop_db`, `drop_std_db`, whether the group is `feasible`, and whether
    it is one of those `found`.

    Args:
        found: content of `groups.json`.
    """
    solution = {group["name"] for group in found["groups"]}
    columns = ["group", "degradation", "drop_db", "drop_std_db", "feasible", "found"]
    rows = [
        (
            group["name"],
            name,
            drop,
            group["drop_std_db"][name],
            group["feasible"],
            group["name"] in solution,
        )
        for group in found["verified"]
        for name, drop in group["drop_db"].items()
    ]
    return pd.DataFrame(rows, columns=columns)
