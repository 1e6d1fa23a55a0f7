"""The story of a search, told from its plan files."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grids.base.levels import WHOLE
from grids.base.wording import counted
from grids.search import costs
from grids.search.contract import Drops, Trial
from grids.search.group_names import trial


def story(
    plans: Sequence[Mapping[str, Any]], measured: Drops, short: Mapping[int, Drops] | None = None
) -> list[str]:
    """Lines that tell what each round knew, asked and learned, and what was found.

    Args:
        plans: contents of the plan files, round by round. Each has `round`, `strategy`, `delta`,
            `known` (names of verified groups) and either `requests` or `solution` (names of groups)
            with `why`.
        measured: drops in dB of what is verified by now.
        short: the same at lower levels, for a search that asks for them.
    """
    drops = {
        Trial(group, level).name: max(values.values())
        for level, told in {WHOLE: measured, **(short or {})}.items()
        for group, values in told.items()
    }
    lines = []
    for plan in plans:
        known = sum("+" in name for name in plan["known"])
        head = f"Round {plan['round']} ({plan['strategy']}, δ {plan['delta']:g} dB): "
        if "solution" in plan:
            lines.append(f"{head}done, {counted(len(plan['solution']), 'group')}")
            likely = plan["why"].get("probability", {})
            lines += [
                f"  {name}: passes with probability {likely[name]:.3f}"
                if name in likely
                else f"  {_outcome(name, drops, plan['delta'])}"
                for name in plan["solution"]
            ]
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
    names = [name for plan in plans for name in plan.get("requests", [])]
    asked = len(names)
    if "levels" in last.get("settings", {}):
        return _spent(names, last)
    if "solution" in last:
        were = f"{counted(asked, 'group')} {'was' if asked == 1 else 'were'} asked for"
        return f"{were} in {counted(len(plans) - 1, 'round')}; nothing is left"
    estimate = last["why"].get("left")
    if not estimate:
        return f"{counted(asked, 'group')} asked for so far; how many are left is not known"
    trainings = counted(estimate["trainings"], "training")
    rounds = counted(estimate["rounds"], "round")
    return f"About {trainings} in {rounds} left, those asked for included"


def _spent(names: Sequence[str], last: Mapping[str, Any]) -> str:
    """What a search over levels asked for, in whole trainings."""
    trials = [trial(name) for name in names]
    ends = sum(level == WHOLE for _, level in trials)
    spent = costs.total(
        (Trial((group,), level) for group, level in trials), last["settings"]["decay"]
    )
    so_far = "; nothing is left" if "solution" in last else " so far"
    return (
        f"{counted(len(names) - ends, 'short training')} and {counted(ends, 'whole one')} asked "
        f"for, as much as {spent:.2f} whole trainings{so_far}"
    )


def _outcome(name: str, drops: Mapping[str, float], delta: float) -> str:
    group, level = trial(name)
    if "+" not in name:
        up_to = "" if level == WHOLE else f", up to {level} %"
        return f"{group}: alone, the single-task model{up_to}"
    if level < WHOLE and drops.get(name, math.inf) < math.inf:
        return f"{group}: drops {drops[name]:+.{_decimals(delta)}f} dB at {level} %"
    if name not in drops:
        return f"{name}: not verified yet"
    if drops[name] == float("inf"):
        return f"{name}: the training failed for good"
    verdict = "passes" if drops[name] <= delta else "fails"
    return f"{name}: {verdict}, drops {drops[name]:+.{_decimals(delta)}f} dB"


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
    elif step == "reference":
        yield "a single-task model to compare with"
    elif step:
        yield step
    if condition := reason.get("if_passed"):
        said = [f"{name} {'passes' if ok else 'fails'}" for name, ok in condition.items()]
        yield f"in case {' and '.join(said)}"
