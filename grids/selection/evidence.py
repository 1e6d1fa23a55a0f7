"""Which statistics of a photograph speak for its damage, in words for people."""

import numpy as np
from numpy.typing import NDArray

from grids.images.patches import BLOCK
from grids.selection.rule import Floats, Rule

# What is said, in the order of the vector of `grids.selection.pixel_statistics`, with how many
# numbers tell of it. Detail in brightness is coarse or fine.
WORDS = {
    "detail in brightness": BLOCK**2 - 1,
    "detail in colour": 2 * (BLOCK**2 - 1),
    "how evenly detail is spread": 3 * (BLOCK**2 - 1),
    "roughness in shadows and lights": 6,
    "how colours change together": 3,
    "black and white pixels": 6,
    "pixels that equal their neighbours": 3,
    "roughness of smooth parts": 14,
    "steps between blocks": 10,
    "edges of black and white strokes": 14,
}
DETAIL, COARSE, FINE = "detail in brightness", "coarse detail", "fine detail"
# From this radius of frequency, in half cycles a block, detail is fine.
FINE_FROM = 4
UNDAMAGED = "undamaged"
# What tells less than this share of all that speaks for a damage is not worth a word.
WORTH = 0.1
MOST = 3


def kinds() -> dict[str, NDArray[np.intp]]:
    """Places of each kind of statistics in the vector, by its words."""
    ends = np.cumsum([*WORDS.values()])
    places = {
        name: np.arange(end - count, end)
        for (name, count), end in zip(WORDS.items(), ends, strict=True)
    }
    detail = places.pop(DETAIL)
    fine = np.hypot(*np.mgrid[:BLOCK, :BLOCK]).ravel()[1:] >= FINE_FROM
    return {COARSE: detail[~fine], FINE: detail[fine], **places}


def evidence(
    rule: Rule, groups: tuple[str, ...], group: str, vector: Floats
) -> tuple[str, dict[str, float]]:
    """What speaks for a group, and against what.

    The likeliest class of the group is compared with the likeliest of all others.

    Args:
        rule: what was fitted.
        groups: names in the order of the rule's.
        group: one of them.
        vector: (D,) statistics of the photograph.

    Returns:
        The group of the other class, or `undamaged`; and by words, the most first, how much each
        kind of statistics speaks for the group rather than for that: the logarithm of the odds less
        what it would be if these statistics were those of the other in the mean.
    """
    scores = rule.scores(vector[None])[0]
    own = np.append(rule.membership[groups.index(group)] > 0, False)
    mine = np.where(own, scores, -np.inf).argmax()
    other = np.where(own, -np.inf, scores).argmax()
    mean = rule.centre + np.linalg.solve(rule.whitening.T, rule.means[other])
    places = kinds()
    without = np.tile(vector, (len(places), 1))
    for row, at in zip(without, places.values(), strict=True):
        row[at] = mean[at]
    left = rule.scores(without)
    told = scores[mine] - scores[other] - (left[:, mine] - left[:, other])
    ranked = sorted(zip(places, told.tolist(), strict=True), key=lambda each: -each[1])
    is_damage = other < rule.membership.shape[1]
    against = groups[rule.membership[:, other].argmax()] if is_damage else UNDAMAGED
    return against, dict(ranked)


def telling(statistics: dict[str, float]) -> list[str]:
    """The kinds that speak for a group most, up to three, of what `evidence` says."""
    total = sum(max(value, 0) for value in statistics.values())
    return [name for name, value in statistics.items() if value > WORTH * total][:MOST]
