"""What selection is tried on: the photographs of a test set under every degradation.

Photographs of a test set took no part in anything that was fitted.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grids.base import randomness
from grids.degrading import around
from grids.degrading.around import Pixels
from grids.degrading.names import CLEAN
from grids.degrading.operators import drawn
from grids.selection.fitting.views import damaged

CROP = 256


@dataclass(frozen=True)
class Case:
    """A photograph under a degradation.

    Attributes:
        kind: `whole` and `crop` (256×256 from the centre) have the degradation's fixed values; the
            others are crops: `drawn` has values drawn from the training ranges, `severity` values
            from below to beyond these, `severity_grey` the same of a grey crop, where damage is
            grey as well for half of the photographs; `mixed` has two degradations after one
            another, `unseen` one that no group has; `clean` and `unseen` are whole too.
        degradation: its name; of a pair `first+second`, in their order.
        parameters: its numbers, JSON.
        clean, degraded: (height, width, 3) uint8.
        strength: of `severity` and `severity_grey`, by what the training has (one of
            `grids.degrading.parameters.STRENGTHS`); else None.
    """

    kind: str
    degradation: str
    parameters: str
    clean: Pixels
    degraded: Pixels
    strength: str | None = None


def cases(
    photograph: Pixels,
    identity: str,
    *,
    degradations: Sequence[str],
    evaluation: dict[str, dict[str, Any]],
    training: dict[str, dict[str, Any]],
    strengths: dict[str, dict[str, dict[str, Any]]],
    mixed: Sequence[Sequence[str]],
    unseen: Sequence[str],
    seed: int,
) -> Iterator[Case]:
    """All cases of one photograph, always in the same order.

    Args:
        photograph: (height, width, 3) uint8.
        identity: names its content in the keys of randomness.
        degradations: those of the groups.
        evaluation, training: parameters of each degradation for each use.
        strengths: all parameters of each degradation by strength, the mildest first.
        mixed: pairs of degradations.
        unseen: degradations that no group has.
        seed: seed of what is random in them.
    """
    centre = middle(photograph, CROP)
    grey = around.grey(centre)
    alike = randomness.key(seed, "grey damage", identity) % 2 == 1

    def case(
        kind: str, clean: Pixels, *steps: tuple[str, dict[str, Any]], strength: str | None = None
    ) -> Case:
        degraded = clean
        numbers: dict[str, dict[str, float | int]] = {}
        for name, values in steps:
            key = randomness.key(seed, "selection", kind, name, identity, json.dumps(values))
            degraded = damaged(degraded, name, values, key)
            numbers |= {name: drawn(name, values, key)}
        if clean is grey and alike:
            degraded = around.alike(degraded)
        label = "+".join(name for name, _ in steps) or CLEAN
        return Case(kind, label, json.dumps(numbers), clean, degraded, strength)

    for name in degradations:
        yield case("whole", photograph, (name, evaluation[name]))
        yield case("crop", centre, (name, evaluation[name]))
        yield case("drawn", centre, (name, training[name]))
        for strength, values in strengths[name].items():
            yield case("severity", centre, (name, values), strength=strength)
            yield case("severity_grey", grey, (name, values), strength=strength)
    for pair in mixed:
        yield case("mixed", centre, *((name, training[name]) for name in pair))
    for clean in (photograph, centre):
        yield case(CLEAN, clean)
        for name in unseen:
            yield case("unseen", clean, (name, evaluation[name]))


def middle(photograph: Pixels, side: int) -> Pixels:
    """The part of at most `side` × `side` pixels in the middle of a photograph."""
    height, width = photograph.shape[:2]
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return photograph[top : top + side, left : left + side]
