"""What single choices are shown with: the picture, what told it, and what it is like."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import pandas as pd

from grids.degrading.around import Pixels
from grids.selection.evidence import evidence, telling
from grids.selection.examples import SIDE, Examples
from grids.selection.fitting.cases import Case, middle
from grids.selection.rule import Rule


def middles(
    photographs: Iterable[tuple[str, Iterator[Case]]], table: pd.DataFrame, rows: Collection[int]
) -> dict[int, Pixels]:
    """The middle of some cases, as large as examples are, by the index of their rows.

    Args:
        photographs: name of each, with its cases.
        table: `photograph` of each case, in their order.
        rows: which of them.
    """
    found = {}
    numbers = table.groupby("photograph", sort=False).indices
    for name, made in photographs:
        # What comes after the last that is wanted is not made.
        own = numbers[name]
        last = max((place for place, number in enumerate(own) if number in rows), default=-1)
        for number, case in zip(own[: last + 1], made, strict=False):
            if number in rows:
                found[int(number)] = middle(case.degraded, SIDE)
    return found


def explained(
    chosen: pd.DataFrame, rule: Rule, groups: Sequence[str], examples: Examples
) -> pd.DataFrame:
    """Choices with what told them: `against`, `telling`, and `like`, name and picture of each.

    Args:
        chosen: `vector` of each case, and in `discriminant` the group that was chosen.
        rule: what was fitted.
        groups: names in the order of the rule's.
        examples: views of the fit.
    """
    rows = []
    for vector, group in zip(chosen["vector"], chosen["discriminant"], strict=True):
        against, told = evidence(rule, tuple(groups), group, vector)
        like = examples.nearest(rule, vector)
        rows.append({"against": against, "telling": telling(told), "like": like})
    return chosen.join(pd.DataFrame(rows, chosen.index))
