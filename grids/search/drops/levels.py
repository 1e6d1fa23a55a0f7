"""Drops from the PSNR of models at several levels, shares of their training.

Three things tell of the drop of a degradation d in a group C at the end of the trainings:

- P(d) − P(C) at the end: that drop itself;
- P(d) − P(C) at one lower level: a biased and noisy drop;
- P(d) at a lower level − P(C) at the end: the drop, less what the single-task model of d will still
  gain. Where it is certain enough how much that may be, the single-task model need not be finished.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from grids.base.levels import WHOLE
from grids.search.contract import Drops, Group, Levels

# Drops of some or all members.
Some = dict[Group, dict[str, float]]


@dataclass(frozen=True)
class Short:
    """What lower levels tell, in dB.

    Attributes:
        drops: of each level, against single-task models at that level.
        ahead: of each level, what groups lack at the end to single-task models at that level,
            the highest below the end that is measured of each.
    """

    drops: Mapping[int, Drops] = field(default_factory=dict)
    ahead: Mapping[int, Drops] = field(default_factory=dict)


NOTHING = Short()


def drops(psnr: Levels) -> Some:
    """Drops at the end, of each group's members whose single-task models are finished.

    Of a group whose training failed for good they are infinite, whatever is finished.
    """
    return _against(psnr.get(WHOLE, {}), psnr.get(WHOLE, {}))


def short(psnr: Levels) -> Short:
    """What lower levels tell, as far as single-task models are measured."""
    lower = sorted(set(psnr) - {WHOLE})
    highest: dict[Group, int] = {
        group: level for level in lower for group in psnr[level] if len(group) == 1
    }
    ahead = {}
    for level in lower:
        singles = {g: p for g, p in psnr[level].items() if highest.get(g) == level}
        ahead[level] = _against(singles, psnr.get(WHOLE, {}))
    return Short(
        {level: _against(psnr[level], psnr[level]) for level in lower},
        {level: found for level, found in ahead.items() if found},
    )


def _against(
    singles: Mapping[Group, Mapping[str, float]], groups: Mapping[Group, Mapping[str, float]]
) -> Some:
    found: Some = {}
    for group, psnr in groups.items():
        if len(group) > 1:
            found[group] = {
                name: singles[name,][name] - value if value > -math.inf else math.inf
                for name, value in psnr.items()
                if (name,) in singles or value == -math.inf
            }
    return {group: lost for group, lost in found.items() if lost}
