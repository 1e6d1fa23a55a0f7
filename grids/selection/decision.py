"""Which group's model suits a photograph, what to expect of it, and whether to restore at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grids.selection.evidence import evidence
from grids.selection.rule import IF_DAMAGED, Forecast, Rule
from grids.selection.statistics import Statistics

RuleName = Literal["discriminant", "paper"]
Verdict = Literal["restore", "leave", "refuse"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

# Less usual than this share of the calibration's views is unlike all that is known: so often a
# usual photograph is refused by mistake.
UNUSUAL = 0.005
# What nobody sees is not worth a change.
MIN_GAIN_DB = 0.1
# The name of the model of all degradations.
MIX = "mix"
# Stands for no model.
_UNTRIED = -1
# Where the mix is expected to gain most, the likeliest other groups, so many at most, are tried if
# they have such a probability, one after the other until the model of one is expected to gain so
# much more: the picture looks like another's damage.
OTHERS, POSSIBLE, MORE_DB = 2, 0.05, 0.5


@dataclass(frozen=True)
class Decision:
    """What is said of a photograph before anything is restored.

    Attributes:
        group: name of the group whose damage it has.
        model: whose model suits best: the group's, `mix`, or another likely group's.
        rule: how the group was chosen, `discriminant` or `paper`.
        distances: the paper's distance S of each group's mean law from the photograph's law; empty
            where that was not measured.
        scores: probability of each group, given that the photograph is damaged in a known way.
        gains_db: of each model that was tried the PSNR that it is expected to add, and the ends of
            the interval where that lies with a probability of 90 %: −∞ and ∞ where too few of the
            calibration's views are like the photograph to tell.
        against: what is likeliest but for the group: another one, or `undamaged`.
        evidence: how much each kind of statistics speaks for the group rather than for that, by
            words, the most first (see `grids.selection.evidence`).
        usualness: share of the calibration's views that are at least as unusual, 0 … 1.
        verdict: `leave` it as it is, since no gain can be counted on, or `refuse` it, since it is
            unlike all that is known, undamaged photographs among it.
        reason: one line for people.
    """

    group: str
    model: str
    rule: str
    distances: dict[str, float]
    scores: dict[str, float]
    gains_db: dict[str, tuple[float, float, float]]
    against: str
    evidence: dict[str, float]
    usualness: float
    verdict: Verdict
    reason: str

    @property
    def predicted_gain_db(self) -> float:
        """What the model is expected to add."""
        return self.gains_db[self.model][0]

    @property
    def interval_db(self) -> tuple[float, float] | None:
        """Where that lies; None if it cannot be told."""
        _, low, high = self.gains_db[self.model]
        return (low, high) if isfinite(high - low) else None


def decide(
    rule: Rule,
    groups: tuple[str, ...],
    statistics: Statistics,
    tried: Callable[[str], Floats],
    name: RuleName = "discriminant",
    min_gain_db: float = MIN_GAIN_DB,
    share_if_damaged: float = IF_DAMAGED,
) -> Decision:
    """The decision from a photograph's statistics, and from what models do to a window of it.

    Args:
        rule: what was fitted.
        groups: names in the order of the rule's.
        statistics: of the photograph; with its law, if that is to choose.
        tried: tries the model of a group, or `mix`, on it (see `grids.selection.trial`).
        name: how to choose the group.
        min_gain_db: a photograph is restored if so much can be counted on.
        share_if_damaged: probability of what is counted on where it is almost certainly damaged.
    """
    vector = statistics.vector[None]
    scores = _named(groups, rule.probabilities(vector)[0])
    distances: dict[str, float] = {}
    if not np.isnan(statistics.alpha):
        law = np.array([statistics.alpha]), np.array([statistics.sigma])
        distances = _named(groups, rule.distances(*law)[0])
    by_law = name == "paper"
    group = (
        min(groups, key=distances.__getitem__) if by_law else max(groups, key=scores.__getitem__)
    )
    names = (*groups, MIX)
    models, chosen, forecast = choose(
        rule,
        vector,
        np.array([groups.index(group)]),
        lambda rows, numbers: np.stack([tried(names[number]) for number in numbers]),
        min_gain_db,
        share_if_damaged,
    )
    each = np.concatenate([forecast.expected, forecast.low, forecast.high]).T.tolist()
    usualness = rule.usualness(vector, np.array([statistics.darkest]))
    against, told = evidence(rule, groups, group, statistics.vector)
    decision = Decision(
        group=group,
        model=names[models[0, chosen[0]]],
        rule=name,
        distances=distances,
        scores=scores,
        gains_db={
            names[number]: tuple(gain)
            for number, gain in zip(models[0], each, strict=True)
            if number != _UNTRIED
        },
        against=against,
        evidence=told,
        usualness=float(usualness[0]),
        verdict=verdicts(usualness, forecast.counted_on[:, chosen[0]], min_gain_db)[0],
        reason="",
    )
    clean = float(rule.classes(vector)[0, -1])
    return replace(decision, reason=_reason(decision, clean, min_gain_db))


def choose(
    rule: Rule,
    vectors: Floats,
    likeliest: Numbers,
    tried: Callable[[Numbers, Numbers], Floats],
    min_gain_db: float = MIN_GAIN_DB,
    share_if_damaged: float = IF_DAMAGED,
) -> tuple[Numbers, Numbers, Forecast]:
    """The models that may restore photographs, and what is known of their gains beforehand.

    These are that of the likeliest group, the mix of all, and, where more is expected of the mix,
    those of the likeliest other groups: soft photographs and such as were enlarged look blurred,
    and only what models do to them tells. What is expected of these is told as if they were the
    likeliest one's, by a regression that was fitted to no such case, and that expects another gain
    of the mix beside it. So they have to be expected to gain more than either.

    Args:
        rule: what was fitted.
        vectors: (N, D).
        likeliest: (N,) number of the group.
        tried: what trying models told, (n, F), of the numbers of n photographs and those of as many
            models, the groups' or, the last one, the mix.
        min_gain_db, share_if_damaged: as for `decide`.

    Returns:
        (N, 2 + OTHERS) numbers of the models, −1 for none; (N,) which of them suits best; and their
        gains, −∞ for none.
    """
    photographs, mix = np.arange(len(vectors)), np.full_like(likeliest, len(rule.membership))
    of_group, of_mix = tried(photographs, likeliest), tried(photographs, mix)

    def forecast(rows: Numbers, of_group: Floats) -> Forecast:
        trials = np.stack([of_group, of_mix[rows]], axis=1)
        return rule.forecast(vectors[rows], trials, share_if_damaged)

    first = forecast(photographs, of_group)
    chosen = best(first.expected, first.counted_on, min_gain_db)
    models = np.pad(
        np.stack([likeliest, mix], axis=1), [(0, 0), (0, OTHERS)], constant_values=_UNTRIED
    )
    gains = {
        name: np.pad(values, [(0, 0), (0, OTHERS)], constant_values=-np.inf)
        for name, values in vars(first).items()
    }
    shares = rule.probabilities(vectors)
    shares[photographs, likeliest] = 0
    for column, others in enumerate(np.argsort(-shares, axis=1, kind="stable").T[:OTHERS], 2):
        rows = np.flatnonzero((chosen == 1) & (shares[photographs, others] >= POSSIBLE))
        if not rows.size:
            break
        models[rows, column] = others[rows]
        other = forecast(rows, tried(rows, others[rows]))
        for name, values in vars(other).items():
            gains[name][rows, column] = values[:, 0]
        of_the_mix = np.maximum(first.expected[rows, 1], other.expected[:, 1])
        more = other.expected[:, 0] >= of_the_mix + MORE_DB
        chosen[rows[more & (other.counted_on[:, 0] >= min_gain_db)]] = column
    return models, chosen, Forecast(**gains)


def best(
    expected: Floats, counted_on: Floats, min_gain_db: float = MIN_GAIN_DB
) -> NDArray[np.intp]:
    """(N,) numbers of the models that suit photographs best, of gains (N, 2) in dB.

    Of those that can be counted on for enough, or else of all, the one that most is expected of.
    What can be counted on tells whether a model is sure enough, and not which is better: the mix
    often is the surer one, and gives less.
    """
    enough = counted_on >= min_gain_db
    able = enough | ~enough.any(axis=1, keepdims=True)
    number: NDArray[np.intp] = np.where(able, expected, -np.inf).argmax(axis=1)
    return number


def verdicts(
    usualness: Floats, counted_on: Floats, min_gain_db: float = MIN_GAIN_DB
) -> list[Verdict]:
    """What to do with each photograph: of its usualness (N,) and the gain to count on (N,)."""
    return [
        "refuse" if usual < UNUSUAL else "restore" if least >= min_gain_db else "leave"
        for usual, least in zip(usualness, counted_on, strict=True)
    ]


def _named(groups: tuple[str, ...], values: Any) -> dict[str, float]:
    return dict(zip(groups, map(float, values), strict=True))


def _reason(decision: Decision, clean: float, min_gain_db: float) -> str:
    if decision.verdict == "refuse":
        return f"unlike all that is known ({decision.usualness:.1%} of it is as unusual)"
    likely = f"damaged like {decision.group} (probability {decision.scores[decision.group]:.2f})"
    if decision.verdict == "restore":
        if decision.model == decision.group:
            return likely
        other = "the mix" if decision.model == MIX else f"the model of {decision.model}"
        return f"{likely}, but {other} suits it better"
    if clean > 0.5:
        return f"shows none of the damage that is known here (probability {clean:.2f})"
    if decision.interval_db is None:
        return f"{likely}, but too little like it was measured to tell what a model gains"
    low, high = decision.interval_db
    return (
        f"{likely}, but no gain of {min_gain_db:g} dB can be counted on "
        f"({low:+.1f} to {high:+.1f} dB)"
    )
