"""Lengths of time as people and SLURM write them."""

import math
import re

# Seconds of the parts that each way of writing has, in their order.
WAYS = {
    r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)": (86400, 3600, 60, 1),
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?": (86400, 3600, 60),
}


def minutes(written: str) -> int:
    """Minutes of `1-12:00:00`, `36:00:00`, `30:00` (minutes and seconds), `2d`, `36h`, `1h30m`.

    Raises:
        ValueError: it is written in none of these ways.
    """
    for way, units in WAYS.items():
        if (found := re.fullmatch(way, written)) and any(found.groups()):
            parts = zip(found.groups(default="0"), units, strict=True)
            return math.ceil(sum(int(number) * seconds for number, seconds in parts) / 60)
    raise ValueError(written)
