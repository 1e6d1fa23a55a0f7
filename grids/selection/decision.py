"""Which group's model suits a photograph, and what to expect of it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grids.selection.rule import Rule
from grids.selection.statistics import Statistics

RuleName = Literal["discriminant", "paper"]

# Less usual than this share of known damage is out of distribution: so often known damage is
# refused by mistake.
UNUSUAL = 0.05


@dataclass(frozen=True)
class Decision:
    """What is said of a photograph before anything is restored.

    Attributes:
        group: name of the group whose model suits best.
        rule: how it was chosen, `discriminant` or `paper`.
        distances: the paper's distance S of each group's mean law from the photograph's law.
        scores: probability of each group, given that the photograph is damaged in a known way.
        predicted_gain_db: PSNR that the model is expected to add.
        interval_db: the gain lies within with a probability of 90 %, for photographs like those of
            the calibration.
        gains_db: of each group's model the same, as (expected, low, high), if the photograph is
            damaged in a way that this group was trained on.
        usualness: share of the calibration's views that are at least as unusual, 0 … 1.
        known: it is damaged in a way that a group was trained on; false: out of distribution,
            which is said where `usualness` is below 5 %.
        reason: one line for people.
    """

    group: str
    rule: str
    distances: dict[str, float]
    scores: dict[str, float]
    predicted_gain_db: float
    interval_db: tuple[float, float]
    gains_db: dict[str, tuple[float, float, float]]
    usualness: float
    known: bool
    reason: str


def decide(
    rule: Rule, groups: tuple[str, ...], statistics: Statistics, name: RuleName = "discriminant"
) -> Decision:
    """The decision from a photograph's statistics; `groups` in the order of the rule's."""
    vector = statistics.vector[None]
    distances = rule.distances(np.array([statistics.alpha]), np.array([statistics.sigma]))[0]
    scores = rule.probabilities(vector)[0]
    chosen = int(distances.argmin() if name == "paper" else scores.argmax())
    each = np.arange(len(groups))
    gains, margins = rule.gains(vector.repeat(len(groups), axis=0), each)
    expected = np.stack([gains, gains - margins, gains + margins], axis=1).tolist()
    gain, low, high = expected[chosen]
    odds = float(rule.novelty(vector)[0][0])
    usualness = float(rule.usualness(vector)[0])
    return Decision(
        group=groups[chosen],
        rule=name,
        distances=_named(groups, distances),
        scores=_named(groups, scores),
        predicted_gain_db=gain,
        interval_db=(low, high),
        gains_db=dict(zip(groups, map(tuple, expected), strict=True)),
        usualness=usualness,
        known=usualness >= UNUSUAL,
        reason=_reason(groups[chosen], float(scores[chosen]), usualness, odds),
    )


def _named(groups: tuple[str, ...], values: Any) -> dict[str, float]:
    return dict(zip(groups, map(float, values), strict=True))


def _reason(group: str, score: float, usualness: float, odds: float) -> str:
    if usualness >= UNUSUAL:
        return f"damaged like {group} (probability {score:.2f})"
    what = "looks undamaged" if odds > 0 else "unlike the damage that is known"
    return f"{what} ({usualness:.1%} of known damage is as unusual)"
