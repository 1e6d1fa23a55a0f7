"""Drops of groups from the tables that verification writes, or that a user brings along."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from grids.errors import InputError
from grids.names import group_name, members
from grids.search.decision import Group

COLUMNS = ("group", "degradation", "image", "psnr_db")


def drops(
    tables: Mapping[Group, pd.DataFrame],
) -> tuple[dict[Group, dict[str, float]], dict[Group, dict[str, float]]]:
    """ΔP of each group and degradation in dB, and its standard error (GRIDS, Section 4.3).

    P is the mean of the images' PSNR. ΔP = P(single-task model) − P(group's model): positive when
    the group's model is worse. Both models restore the same images, so the standard error is that
    of the paired differences, much less than that of either mean; NaN for a single image.

    Args:
        tables: for each group, groups of one included, a table with `degradation`, `image` and
            `psnr_db`. Groups with a degradation whose single-task model is missing are an error.

    Raises:
        InputError: a single-task model is missing, or two models were measured on different images.
    """
    psnr = {
        group: {str(name): rows for name, rows in _by_image(table).groupby(level=0)}
        for group, table in tables.items()
    }
    drop: dict[Group, dict[str, float]] = {}
    error: dict[Group, dict[str, float]] = {}
    for group, own in psnr.items():
        drop[group], error[group] = {}, {}
        for name in group:
            difference = _single(psnr, name, group) - own[name]
            if difference.isna().any():
                raise InputError(
                    f"{group_name(group)} and {name} were not measured on the same images; "
                    "verify both on one test set"
                )
            drop[group][name] = float(difference.mean())
            error[group][name] = float(difference.sem())
    return drop, error


def read(path: Path, known: Collection[str]) -> dict[Group, pd.DataFrame]:
    """Verification tables of models trained elsewhere, from one Parquet or CSV file.

    Args:
        path: a table with the columns `group` (degradations joined by `+`, in any order),
            `degradation`, `image` and `psnr_db`; more columns, as verification writes them, are
            kept.
        known: all degradations there are.

    Returns:
        For each group its rows without the column `group`.

    Raises:
        InputError: a column is missing, a group or degradation is unknown, a group lacks rows of a
            member or has rows of another degradation, an image comes twice, or a PSNR is not a
            finite number.
    """
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; needed: {', '.join(COLUMNS)}")
    psnr = pd.to_numeric(table["psnr_db"], errors="coerce")
    if not psnr.between(-1000, 1000).all():
        raise InputError(f"{path}: psnr_db must be a finite number in every row")
    table["psnr_db"] = psnr
    found: dict[Group, pd.DataFrame] = {}
    for written, rows in table.groupby("group", sort=True):
        group = members(group_name(str(written).split("+")), known)
        if group in found:
            raise InputError(f"{path}: {group_name(group)} is there twice, in different orders")
        if set(rows["degradation"]) != set(group):
            raise InputError(
                f"{path}: {written} has rows of {', '.join(sorted(set(rows['degradation'])))}; "
                "it needs rows of each of its degradations and no other"
            )
        if rows.duplicated(["degradation", "image"]).any():
            raise InputError(f"{path}: {written} has an image twice for one degradation")
        found[group] = rows.drop(columns="group").reset_index(drop=True)
    return found


def _by_image(table: pd.DataFrame) -> pd.Series:
    return table.set_index(["degradation", "image"])["psnr_db"]


def _single(psnr: dict[Group, dict[str, pd.Series]], name: str, group: Group) -> pd.Series:
    if (name,) not in psnr:
        raise InputError(f"{group_name(group)} needs the single-task model of {name} to compare to")
    return psnr[name,][name]
