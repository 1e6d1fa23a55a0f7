"""Verifies the groups that the user gives, all at once, and searches for nothing.

So a partition that is known, such as the published one, gets its models and its tables. Its groups
may drop more than δ: `groups.json` says which do.
"""

from grids.base.errors import InputError
from grids.search.contract import Drops, Requests, SearchSettings, Similarity, Solution, failed
from grids.search.group_names import group_name


def plan(similarity: Similarity, measured: Drops, settings: SearchSettings) -> Requests | Solution:
    """The given groups that are not verified, or all of them.

    Raises:
        InputError: the given groups are no partition of the degradations, or a training failed.
    """
    given = tuple(sorted(tuple(sorted(group)) for group in settings.groups))
    if sorted(name for group in given for name in group) != list(similarity.names):
        raise InputError(
            "search.groups must hold each degradation of the search exactly once: "
            + ", ".join(similarity.names)
        )
    unknown = tuple(group for group in given if len(group) > 1 and group not in measured)
    if unknown:
        why = {"requests": {group_name(group): {"step": "given"} for group in unknown}}
        return Requests(unknown, why)
    for group in given:
        if len(group) > 1 and failed(measured[group]):
            raise InputError(
                f"the training of {group_name(group)}, which is given, failed for good"
            )
    return Solution(given, {})
