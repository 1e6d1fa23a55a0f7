"""Drops of groups from the tables that verification writes, or that a user brings along."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grids.base.errors import InputError
from grids.base.plugins import require_known
from grids.search.contract import Drops, Group, Trial, failed
from grids.search.group_names import group_name, members

# For each test set the verification of each group.
Brought = dict[str, dict[Group, pd.DataFrame]]

COLUMNS = ("group", "degradation", "image", "psnr_db")


def drops(
    tables: Mapping[Group, pd.DataFrame], partly: bool = False
) -> tuple[dict[Group, dict[str, float]], dict[Group, dict[str, float]]]:
    """ΔP of each group and degradation in dB, and its standard error (GRIDS, Section 4.3).

    P is the mean of the images' PSNR. ΔP = P(single-task model) − P(group's model): positive when
    the group's model is worse. Both models restore the same images, so the standard error is that
    of the paired differences, much less than that of either mean; NaN for a single image.

    Args:
        tables: for each group, groups of one included, a table with `degradation`, `image` and
            `psnr_db`.
        partly: leave out degradations whose single-task model is missing; they are an error else.

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
            if partly and (name,) not in psnr:
                continue
            difference = _single(psnr, name, group) - own[name]
            if difference.isna().any():
                raise InputError(
                    f"{group_name(group)} and {name} were not measured on the same images; "
                    "verify both on one test set"
                )
            drop[group][name] = float(difference.mean())
            # Of infinite differences there is none.
            finite = difference.replace([np.inf, -np.inf], np.nan)
            error[group][name] = float(finite.sem())
    return drop, error


def psnr(tables: Mapping[Trial, pd.DataFrame]) -> dict[int, dict[Group, dict[str, float]]]:
    """P of each model on each of its degradations in dB, by level.

    Args:
        tables: for each training a table with `degradation` and `psnr_db`.
    """
    found: dict[int, dict[Group, dict[str, float]]] = {}
    for trial, table in tables.items():
        means = table.groupby("degradation")["psnr_db"].mean()
        found.setdefault(trial.level, {})[trial.group] = {
            str(n): float(p) for n, p in means.items()
        }
    return found


def read(path: Path, known: Collection[str], test_set: str) -> Brought:
    """Verification tables of models trained elsewhere, from one Parquet or CSV file.

    Args:
        path: a table with the columns `group` (degradations joined by `+`, in any order),
            `degradation`, `image` and `psnr_db`, and if there are several, `test_set`; more
            columns, as verification writes them, are kept.
        known: all degradations there are.
        test_set: the one that is meant where there is no column `test_set`.

    Returns:
        For each test set and group its rows, without the columns `group` and `test_set`.

    Raises:
        InputError: the file cannot be read, a column is missing or has gaps, a group or degradation
            is unknown, a group lacks rows of a member or has rows of another degradation, an image
            comes twice, or a PSNR is not a finite number.
    """
    table = _read(path)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; needed: {', '.join(COLUMNS)}")
    if table[["group", "degradation", "image"]].isna().any(axis=None):
        raise InputError(f"{path}: every row needs a group, a degradation and an image")
    psnr = pd.to_numeric(table["psnr_db"], errors="coerce")
    if not psnr.between(-1000, 1000).all():
        raise InputError(f"{path}: psnr_db must be a finite number in every row")
    if "test_set" not in table.columns:
        table["test_set"] = test_set
    table = table.astype({"psnr_db": float, "test_set": str, "image": str})
    found: Brought = {}
    for (name, written), rows in table.groupby(["test_set", "group"], sort=True):
        try:
            group = members(group_name(str(written).split("+")), known)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        tables = found.setdefault(str(name), {})
        if group in tables:
            raise InputError(f"{path}: {group_name(group)} is there twice, in different orders")
        if set(rows["degradation"]) != set(group):
            raise InputError(
                f"{path}: {written} has rows of {', '.join(sorted(set(rows['degradation'])))}; "
                "it needs rows of each of its degradations and no other"
            )
        if rows.duplicated(["degradation", "image"]).any():
            raise InputError(f"{path}: {written} has an image twice for one degradation")
        tables[group] = rows.drop(columns=["group", "test_set"]).reset_index(drop=True)
    return found


def check(brought: Brought, images: Mapping[str, Collection[str]], needed: Sequence[str]) -> None:
    """What was brought must be of the same images as what is verified here.

    Args:
        brought: as `read` returns it.
        images: names of each test set's images.
        needed: test sets that every group must have been measured on.

    Raises:
        InputError: names the group and what does not fit.
    """
    for test_set, tables in brought.items():
        require_known(test_set, images, "test set")
        wanted = set(images[test_set])
        for group, table in tables.items():
            for name, rows in table.groupby("degradation"):
                if differing := sorted(wanted ^ set(rows["image"])):
                    what = "no row of" if differing[0] in wanted else "a row of the unknown"
                    raise InputError(
                        f"{group_name(group)} has {what} image {differing[0]} for {name}; it needs "
                        f"the {len(wanted)} images of test set {test_set}, each once"
                    )
    groups = {group for tables in brought.values() for group in tables}
    for test_set in needed:
        if lacking := sorted(groups - set(brought.get(test_set, {}))):
            raise InputError(
                f"{group_name(lacking[0])} has no rows of test set {test_set}, and there is no "
                "model here to measure; add them (column test_set) or drop that test set"
            )


def check_failures(measured: Drops, policy: str) -> None:
    """Trainings that failed for good must be declared infeasible, the policy of that name.

    Raises:
        InputError: one failed and the policy is another.
    """
    names = sorted(group_name(group) for group, drops in measured.items() if failed(drops))
    if names and policy != "infeasible":
        raise InputError(
            f"the training of {names[0]} failed for good; delete its folders of models and of "
            "verifications to try again, or set search.failed: infeasible to go round it"
        )


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except Exception as error:  # pandas and pyarrow raise all kinds
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as a table ({reason})") from None


def _by_image(table: pd.DataFrame) -> pd.Series:
    return table.set_index(["degradation", "image"])["psnr_db"]


def _single(psnr: dict[Group, dict[str, pd.Series]], name: str, group: Group) -> pd.Series:
    if (name,) not in psnr:
        raise InputError(f"{group_name(group)} needs the single-task model of {name} to compare to")
    return psnr[name,][name]
