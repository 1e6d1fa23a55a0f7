"""What a plan is expected to cost where its groups may fail.

Costs are in trainings: a group that is kept costs `worth`, since a model stays forever, and a group
that is tried costs its price, usually one training. If it fails, its degradations are split in the
best way:

    try(C) = price(C) + p(C)·worth + (1 − p(C))·split(C)
    cost(C) = min(try(C), split(C)),  split(C) = least sum of costs of two parts of C

So a group is tried if its chance times what it saves is more than its price. Chances are taken as
independent here; a search plans anew after each verification.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from grids.search.partition import splits

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def least_cost(
    chance: Floats, passed: Booleans, worth: float, price: Floats | None = None
) -> list[int]:
    """The groups of the plan of least expected cost: those to try first, and those that passed.

    Args:
        chance: of each subset to pass, shape (2^n,); 0 where it may not be tried.
        passed: subsets that are verified, groups of one among them.
        worth: of a group, in trainings.
        price: of trying each subset, in trainings, shape (2^n,); None: one each.

    Returns:
        Disjoint subsets that hold all elements.
    """
    ways = splits(len(chance).bit_length() - 1)
    cost = np.full(len(chance), np.inf)
    cost[0] = 0
    price = np.ones(len(chance)) if price is None else price
    kept = np.zeros(len(chance), dtype=bool)
    ends = [*ways.starts[1:], len(ways.part)]
    for first, last in pairwise(ways.layers):
        at, sets = slice(ways.starts[first], ends[last - 1]), ways.sets[first:last]
        values = cost[ways.part[at]] + cost[ways.rest[at]]
        split = np.minimum.reduceat(values, ways.starts[first:last] - ways.starts[first])
        whole = attempt(chance[sets], split, worth, price[sets])
        whole[passed[sets]] = worth
        kept[sets] = whole <= split
        cost[sets] = np.minimum(whole, split)
    chosen, waiting = [], [len(chance) - 1]
    while waiting:
        subset = waiting.pop()
        if kept[subset]:
            chosen.append(subset)
        elif subset:
            at = ways.of(subset)
            values = cost[ways.part[at]] + cost[ways.rest[at]]
            values[ways.rest[at] == 0] = np.inf
            best = int(np.argmin(values))
            waiting += [int(ways.part[at][best]), int(ways.rest[at][best])]
    return chosen


def attempt(
    chance: Floats | float, split: Floats | float, worth: float, price: Floats | float = 1.0
) -> Floats:
    """Expected cost of trying groups that, if they fail, cost `split`."""
    # Where nothing else is left, `split` is infinite and does not count.
    otherwise = np.where(chance < 1, (1 - chance) * np.where(np.isfinite(split), split, 0), 0)
    return np.where(chance > 0, price + chance * worth + otherwise, np.inf)
