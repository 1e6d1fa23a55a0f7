"""The number of groups for each δ, from what is verified already."""

from collections.abc import Iterable

import pandas as pd

from grids.search.contract import Drops, SearchSettings, Similarity, outcomes
from grids.search.group_names import group_name
from grids.search.partition import minimum_partition
from grids.search.strategies import active


def frontier(similarity: Similarity, measured: Drops, deltas: Iterable[float] = ()) -> pd.DataFrame:
    """m against δ: a plan costs nothing, so every δ has one.

    Args:
        similarity: of the degradations to group.
        measured: drops of the verified groups.
        deltas: those to tell about in dB; empty: each worst drop of a verified group, where the
            verified number changes.

    Returns:
        For each δ, ascending: `delta`, `verified`, the fewest groups by what is verified alone;
        `predicted`, the groups of the plan that strategy `active` would make now, and `open`, how
        many of them are not verified; and `groups`, the verified partition.
    """
    names = similarity.names
    drops = {group: max(d.values()) for group, d in measured.items() if set(group) <= set(names)}
    singles = {(name,): 0.0 for name in names}
    rows = []
    for delta in sorted(deltas) or sorted({max(d, 0.0) for d in drops.values() if d < 1e6}):
        known = outcomes(measured, names, delta)
        cost = {group: drop for group, drop in drops.items() if known[group]}
        verified = minimum_partition(names, cost | singles)
        row = {"delta": delta, "verified": len(verified), "predicted": len(verified), "open": 0}
        if delta > 0:
            answer = active.plan(similarity, measured, SearchSettings(delta, len(names)))
            planned = answer.why.get("partition", [group_name(g) for g in answer.groups])
            verified_names = {group_name(group) for group, passed in known.items() if passed}
            row["predicted"] = len(planned)
            row["open"] = sum(name not in verified_names for name in planned)
        rows.append(row | {"groups": [group_name(group) for group in verified]})
    return pd.DataFrame(rows, columns=["delta", "verified", "predicted", "open", "groups"])
