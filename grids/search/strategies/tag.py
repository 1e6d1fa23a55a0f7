"""Network selection by inter-task affinities (TAG; Fifty et al., NeurIPS 2021).

The affinities say how far a step for one degradation helps another while one network learns all
(`grids.training.affinity`). The partition into m groups is the one with the largest sum, over all
degradations, of the mean affinity of the others of its group onto it; alone it is 0.

TAG is given the number of groups. Here it is 1, 2, … until a partition's groups are all verified
and pass. A group that fails ends its number, and no later partition holds it. So a number costs no
more trainings than it has groups, and single-task models are the last resort. What was verified for
something else counts as well.

With `number_of_groups` its partition is trained at once, verified, and returned as it is, as in the
published method: its groups may drop more than δ, and `groups.json` says which do.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.base.wording import counted
from grids.search.contract import (
    Drops,
    Group,
    Requests,
    SearchSettings,
    Similarity,
    Solution,
    failed,
    outcomes,
)
from grids.search.group_names import group_name
from grids.search.partition import cheapest, mask, parts, unmask

# Beyond it the exact search through partitions is too slow.
LIMIT = 14
AFFINITIES = True

Floats = NDArray[np.float64]


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The next groups to verify, or the partition found.

    Raises:
        InputError: there are no affinities, or a training of a given number of groups failed.
    """
    names = similarity.names
    if similarity.affinity is None:
        raise InputError(
            "strategy tag needs affinities, which are not measured; for results of the workflow "
            "`snakemake results/affinity/NETWORK.parquet` does it"
        )
    gain = gains(similarity.affinity)
    known = outcomes(measured, names, settings.delta)
    if settings.number_of_groups:
        groups = selection(names, gain, settings.number_of_groups)
        _refuse_failed(groups, measured)
        return _answer(groups, names, gain, known, most=len(groups))
    number, struck = 0, set[Group]()
    while True:
        number += 1
        groups = selection(names, gain, number, struck)
        failures = {group for group in groups if not known.get(group, True)}
        if groups and not failures:
            return _answer(groups, names, gain, known, settings.requests_per_round)
        struck |= failures


def gains(affinity: Floats) -> Floats:
    """Of each subset the sum over its members of the mean affinity of the others onto each.

    Args:
        affinity: from row to column, shape (n, n); the diagonal is not used.

    Returns:
        Shape (2^n,), numbered as in `grids.search.partition`; 0 for one member and none.
    """
    n = len(affinity)
    inside = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)
    onto = inside @ np.where(np.eye(n, dtype=bool), 0, affinity)
    means: Floats = (onto * inside).sum(axis=1) / np.maximum(inside.sum(axis=1) - 1, 1)
    return means


def selection(
    names: tuple[str, ...], gain: Floats, number: int, struck: Collection[Group] = ()
) -> tuple[Group, ...]:
    """The partition into a number of groups with the largest sum of gains; none: there is none.

    Args:
        names: the n degradations.
        gain: of each subset, shape (2^n,).
        number: of groups, 1 to n.
        struck: groups that it must not hold.
    """
    weights = -gain
    weights[[mask(group, names) for group in struck]] = np.inf
    table = cheapest(weights, number)
    if not np.isfinite(table[number, -1]):
        return ()
    return tuple(sorted(unmask(part, names) for part in parts(table, weights, number)))


def _answer(
    groups: tuple[Group, ...],
    names: tuple[str, ...],
    gain: Floats,
    known: Mapping[Group, bool],
    most: int,
) -> Requests | Solution:
    """The groups where all are verified, or those that are not, at `most` so many."""
    # A group that fails spares the others: the one whose members gain the least goes first.
    worth = {group: gain[mask(group, names)] / len(group) for group in groups}
    unknown = sorted((g for g in groups if g not in known), key=lambda group: (worth[group], group))
    if not unknown:
        return Solution(groups, {"number_of_groups": len(groups)})
    asked = tuple(unknown[:most])
    reason = {
        "step": f"of the partition into {counted(len(groups), 'group')} with the most affinity",
        "partition": [group_name(group) for group in groups],
    }
    return Requests(asked, {"requests": {group_name(group): reason for group in asked}})


def _refuse_failed(groups: tuple[Group, ...], measured: Drops) -> None:
    for group in groups:
        if len(group) > 1 and group in measured and failed(measured[group]):
            raise InputError(
                f"the training of {group_name(group)} failed for good; give another "
                "search.number_of_groups, or leave it out"
            )
