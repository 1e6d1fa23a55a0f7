"""Trains briefly what may be left, and to the end what is kept: a search over shares of trainings.

As strategy `active` does, it plans the partition of least expected cost by the chances of groups to
pass, and bets on fewer groups. But what is tried is trained up to the lowest level first, as are
the single-task models, and what that says of the final drops decides whether it goes on:

1. Plans, bets included, are followed until all groups of one were tried at the lowest level.
2. Then its groups are trained to the end, the least likely first, since one that fails spares the
   others. A bet is worth a try, but no more than a plan is it worth a training to the end.
3. Under the certificate `full` all single-task models are finished too, and a group passes by its
   drops at the end, as with every strategy. Under `bounded` a single-task model stays at its level
   as long as the groups of the answer pass with the probability `confidence` without its end; else
   the one that is most in doubt goes on to its next level.

That probability is of the model in `grids.search.drops.model`, with all that may be believed of a
level weighed by its evidence. The search ends for certain: no model is trained to a level twice.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grids.base.levels import WHOLE
from grids.search import costs
from grids.search.contract import (
    Drops,
    Group,
    Levels,
    Requests,
    SearchSettings,
    Similarity,
    Solution,
    Trial,
    failed,
    passes,
)
from grids.search.drops import levels
from grids.search.drops.levels import Short
from grids.search.drops.model import fit, weighed
from grids.search.group_names import group_name
from grids.search.planning import Outlook, bet_worth, cheapest_plan, outlook_of

LEVELS = True
"""Asks for levels of trainings, and is told PSNR by level in the place of drops."""

# How much of a failure a group is that was tried at a lower level alone and is likely to fail: see
# benchmarks/search.py.
TRIED = 0.25
# What is not certain is not said to be, however floats and the six digits of `groups.json` round.
SUREST = 1 - 1e-6


@dataclass(frozen=True)
class _Known:
    """What is known before a plan.

    Attributes:
        trained: levels that each model was trained up to, ascending.
        drops: at the end, as far as they are known.
        short: what lower levels tell.
        passed: whether each group passes of which that is known, single-task models among them.
        chance: of each group at its end whose drops are not all known, to pass.
        doubt: of each of these, the member that is least likely to pass.
    """

    trained: Mapping[Group, list[int]]
    drops: Drops
    short: Short
    passed: Mapping[Group, bool]
    chance: Mapping[Group, float]
    doubt: Mapping[Group, str]


def plan(similarity: Similarity, measured: Levels, settings: SearchSettings) -> Requests | Solution:
    """What to train next and up to which level, or the partition found."""
    known = _known(similarity, measured, settings)
    outlook = _outlook(similarity, known, settings)
    # In searches with the whole worth more was trained to the end in vain than it saved groups.
    worth, failures = math.sqrt(settings.group_worth), _failures(outlook, known)
    bets = bet_worth(worth, failures)
    chosen = cheapest_plan(outlook, worth, bets)
    settled = outlook.tried.issuperset(outlook.open(chosen))
    if settled:
        bets = worth
        chosen = cheapest_plan(outlook, worth, bets)
    planned = chosen
    kept: list[Group] = [group for group in chosen if len(group) == 1] if settled else []
    references = dict.fromkeys(_references(similarity, known, kept, settings))
    trials: dict[Trial, dict[str, Any]] = {}
    while (unknown := outlook.open(planned)) and len(trials) < settings.requests_per_round:
        for group in [g for g in unknown if g not in outlook.tried] or unknown:
            trials.setdefault(_next(group, known, settings), _reason(outlook, group, planned))
        outlook = outlook.without(unknown[0])
        planned = cheapest_plan(outlook, worth, bets)
    why: dict[str, Any] = {"group_worth": worth, "bet_worth": bets, "failures": failures}
    if not trials and not references:
        likely = {group_name(g): known.chance[g] for g in chosen if g in known.chance}
        return Solution(tuple(sorted(chosen)), why | {"probability": likely})
    asked = dict.fromkeys([*references, *list(trials)[: settings.requests_per_round]])
    why["requests"] = {trial.name: trials.get(trial, {"step": "reference"}) for trial in asked}
    why["partition"] = [group_name(group) for group in chosen]
    return Requests(
        tuple(trial.group for trial in asked if trial.level == WHOLE),
        why,
        tuple(trial for trial in asked if trial.level < WHOLE),
    )


def _known(similarity: Similarity, measured: Levels, settings: SearchSettings) -> _Known:
    names = similarity.names
    trained: dict[Group, list[int]] = {}
    for level in sorted(measured):
        for group in measured[level]:
            trained.setdefault(group, []).append(level)
    drops, short = levels.drops(measured), levels.short(measured)
    passed: dict[Group, bool] = {(name,): True for name in names}
    for told in (drops, *short.drops.values()):
        passed |= {group: False for group, lost in told.items() if failed(lost)}
    for group, lost in drops.items():
        if len(lost) == len(group) or not passes(lost, settings.delta):
            passed[group] = passes(lost, settings.delta)
    doubtful = [
        group
        for group in measured.get(WHOLE, {})
        if len(group) > 1 and set(group) <= set(names) and group not in passed
    ]
    chance, doubt = {}, {}
    models = weighed(similarity, drops, settings.delta, short) if doubtful else []
    for group in doubtful:
        inside = np.array([name in group for name in names])
        weights = np.array([weight for weight, _ in models])
        members = np.exp([model.log_chances(inside) for _, model in models])
        # Those of finished single-task models are known to pass.
        open_ = [i for i, name in enumerate(group) if name not in drops.get(group, {})]
        chance[group] = min(float(weights @ members[:, open_].prod(axis=1)), SUREST)
        doubt[group] = group[open_[int((weights @ members[:, open_]).argmin())]]
    passed |= {group: True for group in doubtful if chance[group] >= settings.confidence}
    return _Known(trained, drops, short, passed, chance, doubt)


def _outlook(similarity: Similarity, known: _Known, settings: SearchSettings) -> Outlook:
    """What may be tried, with the prices of finding out."""
    model = fit(similarity, known.drops, settings.delta, known.short)
    outlook = outlook_of(model, known.passed, settings.group_worth)
    chance = {group: known.chance.get(group, p) for group, p in outlook.chance.items()}
    price = {}
    for group, likely in chance.items():
        trial = _next(group, known, settings)
        price[group] = costs.step(known.trained.get(trial.group, ()), trial.level, settings.decay)
        if group not in known.trained:
            price[group] += likely * costs.step([trial.level], WHOLE, settings.decay)
    tried = frozenset(group for group in known.trained if len(group) > 1)
    return replace(outlook, chance=chance, price=price, tried=tried)


def _next(group: Group, known: _Known, settings: SearchSettings) -> Trial:
    """What is trained next to know more of a group."""
    if group not in known.trained:
        return Trial(group, settings.levels[0])
    if group not in known.doubt:
        return Trial(group, WHOLE)
    single = (known.doubt[group],)
    higher = [level for level in settings.levels if level > known.trained[single][-1]]
    return Trial(single, min(higher, default=WHOLE))


def _references(
    similarity: Similarity, known: _Known, kept: list[Group], settings: SearchSettings
) -> list[Trial]:
    """Single-task models that are needed whatever groups pass, and those `kept` as an answer."""
    singles: list[Group] = [(name,) for name in similarity.names]
    lowest = settings.levels[0]
    if missing := [single for single in singles if lowest not in known.trained.get(single, ())]:
        return [Trial(single, lowest) for single in missing]
    needed = singles if settings.certificate == "full" else kept
    return [Trial(single, WHOLE) for single in needed if WHOLE not in known.trained[single]]


def _failures(outlook: Outlook, known: _Known) -> float:
    """Groups that failed; those that are likely to, as far as they were trained, count in part."""
    unlikely = [g for g in outlook.tried - known.passed.keys() if outlook.chance.get(g, 0.0) < 0.5]
    return sum(not passed for passed in known.passed.values()) + TRIED * len(unlikely)


def _reason(outlook: Outlook, group: Group, partition: tuple[Group, ...]) -> dict[str, Any]:
    return {
        "step": "partition",
        "drop_db": outlook.drop[group],
        "drop_std_db": outlook.std[group],
        "chance": outlook.chance[group],
        "partition": [group_name(group) for group in partition],
    }
