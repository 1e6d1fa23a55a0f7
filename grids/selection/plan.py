"""Through which models a photograph goes, one after the other, and what is promised of them.

A photograph may have two kinds of damage, and each class of the choice has one. What a model made
of the window that it was tried on is looked at as a photograph of its own: whatever it left is seen
there, before anything is restored. So a further model may follow.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from grids.base.errors import InputError
from grids.selection import trial
from grids.selection.decision import MIN_GAIN_DB, Decision, RuleName, decide
from grids.selection.describer import Describer
from grids.selection.rule import DOUBT, IF_DAMAGED, Floats, Rule
from grids.selection.statistics import Statistics
from grids.selection.trial import Forward, Pixels, Trial

# A photograph goes through no more models than that.
STEPS = 3
# A further step is for what is almost certainly damaged. It must be counted on for so much, with
# such a probability, and its group have such a one: what a model made is like no view of the fit,
# and what is sharpened twice gets haloes.
FURTHER_DB, FURTHER_SHARE, SURE = 1.5, 0.8, 0.9


def plan(
    image: Pixels,
    seen: Statistics,
    describer: Describer,
    rule: Rule,
    groups: tuple[str, ...],
    network: Callable[[str], Forward],
    name: RuleName = "discriminant",
    min_gain_db: float = MIN_GAIN_DB,
    *,
    most: int,
) -> tuple[Decision, ...]:
    """What is decided of a photograph, then of what each step is expected to leave of it.

    Further steps are there where the first restores it. Each is for damage of a group for which,
    and by whose model, there was no step before.

    Args:
        image: (height, width, 3).
        seen: its statistics; with its law, if that is to choose.
        describer: measures what is left of it.
        rule: what was fitted.
        groups: names in the order of the rule's.
        network: the model of a group, or `mix`.
        name: how to choose the group at first. What is left always goes by its pixels.
        min_gain_db: what must be counted on for a step to be taken.
        most: how many steps, 1 or more.

    Returns:
        One decision a step, 1 … `most`. No gain is told (∓∞) of several.

    Raises:
        NotFiniteError: what a network makes of it is not finite.
    """

    def look(
        seen: Statistics, window: Pixels, by: RuleName, least_db: float, share: float
    ) -> tuple[Decision, Pixels]:
        trials: dict[str, Trial] = {}

        def tried(model: str) -> Floats:
            trials[model] = trial.tried(window, network(model))
            return trials[model].numbers

        decision = decide(rule, groups, seen, tried, by, least_db, share)
        return decision, trials[decision.model].left

    decision, left = look(seen, trial.window(image), name, min_gain_db, IF_DAMAGED)
    steps = [decision]
    while steps[-1].verdict == "restore" and len(steps) < most:
        try:
            seen = describer(left)
        except InputError:  # one colour is left
            break
        vector = seen.vector[None]
        shares, clean = rule.probabilities(vector)[0], rule.classes(vector)[0, -1]
        there = {each for step in steps for each in (step.group, step.model)}
        if clean >= DOUBT or shares.max() < SURE or groups[shares.argmax()] in there:
            break
        least_db = max(min_gain_db, FURTHER_DB)
        following, left = look(seen, left, "discriminant", least_db, FURTHER_SHARE)
        if following.verdict != "restore":
            break
        steps.append(following)
    return tuple(steps if len(steps) == 1 else map(_without_promise, steps))


def _without_promise(decision: Decision) -> Decision:
    gains = {name: (gain, -inf, inf) for name, (gain, *_) in decision.gains_db.items()}
    return replace(decision, gains_db=gains)
