"""The story of a search, told from its plan files."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grids.base.wording import counted
from grids.search.contract import Drops
from grids.search.group_names import group_name


def story(plans: Sequence[Mapping[str, Any]], measured: Drops) -> list[str]:
    """Lines that tell what each round knew, asked and learned, and what was found.

    Args:
        plans: contents of the plan files, round by round. Each has `round`, `strategy`, `delta`,
            `known` (names of verified groups) and either `requests` or `solution` (names of groups)
            with `why`.
        measured: drops in dB of what is verified by now.
    """
    drops = {group_name(group): max(values.values()) for group, values in measured.items()}
    lines = []
    for plan in plans:
        known = sum(name.count("+") > 0 for name in plan["known"])
        head = f"Round {plan['round']} ({plan['strategy']}, δ {plan['delta']:g} dB): "
        if "solution" in plan:
            lines.append(f"{head}done, {counted(len(plan['solution']), 'group')}")
            lines += [f"  {_outcome(name, drops, plan['delta'])}" for name in plan["solution"]]
            continue
        lines.append(f"{head}{counted(known, 'group')} known, {len(plan['requests'])} asked for")
        for name in plan["requests"]:
            reason = plan["why"].get("requests", {}).get(name, {})
            lines.append(f"  {_outcome(name, drops, plan['delta'])}")
            lines += [f"    {line}" for line in _because(reason, plan["delta"])]
    return [*lines, left(plans)] if plans else ["No plan yet"]


def left(plans: Sequence[Mapping[str, Any]]) -> str:
    """A line about how much the search still needs."""
    last = plans[-1]
    asked = sum(len(plan.get("requests", [])) for plan in plans)
    if "solution" in last:
        were = f"{counted(asked, 'group')} {'was' if asked == 1 else 'were'} asked for"
        return f"{were} in {counted(len(plans) - 1, 'round')}; nothing is left"
    estimate = last["why"].get("left")
    if not estimate:
        return f"{counted(asked, 'group')} asked for so far; how many are left is not known"
    trainings = counted(estimate["trainings"], "training")
    rounds = counted(estimate["rounds"], "round")
    return f"About {trainings} in {rounds} left, those asked for included"


def _outcome(name: str, drops: Mapping[str, float], delta: float) -> str:
    if "+" not in name:
        return f"{name}: alone, the single-task model"
    if name not in drops:
        return f"{name}: not verified yet"
    if drops[name] == float("inf"):
        return f"{name}: the training failed for good"
    verdict = "passes" if drops[name] <= delta else "fails"
    return f"{name}: {verdict} with {drops[name]:+.{_decimals(delta)}f} dB"


def _decimals(delta: float) -> int:
    """Enough to see δ with two digits; at least two."""
    return max(2, 1 - math.floor(math.log10(delta))) if delta > 0 else 2


def _because(reason: Mapping[str, Any], delta: float) -> Iterator[str]:
    step = reason.get("step")
    if step == "largest size":
        low, high = reason["interval"]
        yield f"largest size: {reason['size']} of {low} … {high}, its most similar group"
    elif step == "boundary":
        low, high = reason["interval"]
        yield (
            f"boundary of size {reason['size']}: rank {reason['rank']} of {reason['ranks']}, "
            f"between {low} and {high}"
        )
    elif step == "partition" and "at_most" in reason:
        low, high = reason["interval"]
        most = counted(reason["at_most"], "group")
        yield f"a partition into at most {most} ({low} … {high} are open)"
    elif "drop_db" in reason:
        digits = _decimals(delta)
        yield (
            f"predicted {reason['drop_db']:+.{digits}f} ± {reason['drop_std_db']:.{digits}f} dB, "
            f"chance to pass {reason['chance']:.0%}, "
            f"for {counted(len(reason['partition']), 'group')} in all"
        )
    elif step:
        yield step
    if condition := reason.get("if_passed"):
        said = [f"{name} {'passes' if ok else 'fails'}" for name, ok in condition.items()]
        yield f"in case {' and '.join(said)}"
