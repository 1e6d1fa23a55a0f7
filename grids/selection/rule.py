"""What is fitted to choose with, and what follows from it for photographs (GRIDS, Section 5.2).

The paper compares the law of the photograph's features with the mean law of each group and takes
the nearest. Busy and smooth pictures shift that law as much as a degradation does, so the default
rule asks more: a linear discriminant over the spread and shape of the descriptor's channels, fitted
to single photographs under known degradations.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.selection.discriminant import Discriminant
from grids.similarity import law

Floats = NDArray[np.float64]

# Of what may be refused by mistake, most for what looks clean: that is how most of what is not
# known looks.
PARTS = (0.8, 0.2)


@dataclass(frozen=True)
class Rule:
    """Everything fitted that decisions are made from. Arrays only, so that it is a file of tensors.

    C degradations make m groups; D statistics describe a photograph.

    Attributes:
        alpha, sigma: (C,) mean laws of single photographs under each degradation.
        membership: (m, C), 1 where the group has the degradation.
        centre, whitening, means: the discriminant of C + 1 classes, the last one clean.
        gain_weights, gain_offset: (C, D) and (C,), gain of its group's model on each degradation,
            from whitened statistics.
        margin_db: (C,) half of the interval's width where this degradation is the likeliest.
        odds_quantiles, distance_quantiles: (Q,) evenly spaced quantiles, over the views of the
            calibration, of the log odds that a view is clean and of its squared distance from the
            nearest degradation.
    """

    alpha: Floats
    sigma: Floats
    membership: Floats
    centre: Floats
    whitening: Floats
    means: Floats
    gain_weights: Floats
    gain_offset: Floats
    margin_db: Floats
    odds_quantiles: Floats
    distance_quantiles: Floats

    @classmethod
    def of(cls, arrays: dict[str, Floats]) -> "Rule":
        """From the arrays of a file.

        Raises:
            InputError: an array is missing or not finite.
        """
        for field in fields(cls):
            if field.name not in arrays:
                raise InputError(f"the selector's array {field.name!r} is missing")
            if not np.isfinite(arrays[field.name]).all():
                raise InputError(f"the selector's array {field.name!r} is not finite")
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def arrays(self) -> dict[str, Floats]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def discriminant(self) -> Discriminant:
        return Discriminant(self.centre, self.whitening, self.means)

    def distances(self, alpha: Floats, sigma: Floats) -> Floats:
        """(N, m) distances S(group, photograph), the group's law the mean of its members'."""
        share = self.membership / self.membership.sum(axis=1, keepdims=True)
        divergence = law.kl(share @ self.alpha, share @ self.sigma, alpha[:, None], sigma[:, None])
        return law.distance(divergence)

    def probabilities(self, vectors: Floats) -> Floats:
        """(N, m) probabilities of the groups, given a known degradation."""
        return self._likeness(vectors) @ self.membership.T

    def gains(self, vectors: Floats, groups: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """(N,) expected gain in dB of a group's model for each vector, and the margin around it.

        The mean over the group's degradations, each by its probability.

        Args:
            vectors: (N, D).
            groups: (N,) number of the group whose model is taken.
        """
        likeness = self._likeness(vectors) * self.membership[groups]
        by_degradation = (
            self.discriminant.whitened(vectors) @ self.gain_weights.T + self.gain_offset
        )
        expected = (likeness * by_degradation).sum(axis=1) / likeness.sum(axis=1)
        return expected, self.margin_db[likeness.argmax(axis=1)]

    def _likeness(self, vectors: Floats) -> Floats:
        """(N, C) probability of each degradation, given that it is one of them; never 0."""
        likeness = np.exp(self.discriminant.scores(vectors)[:, :-1]).clip(min=1e-300)
        total: Floats = likeness.sum(axis=1, keepdims=True)
        return likeness / total

    def novelty(self, vectors: Floats) -> tuple[Floats, Floats]:
        """(N,) log odds of clean against the likeliest degradation, and distance from that one.

        What is not damaged in a known way mostly looks clean, as haze does; some looks like nothing
        known. The distance is a squared Mahalanobis distance.
        """
        squared = self.discriminant.squared_distances(vectors)
        nearest = squared[:, :-1].min(axis=1)
        return (nearest - squared[:, -1]) / 2, nearest

    def usualness(self, vectors: Floats) -> Floats:
        """(N,) share of the calibration's views that are at least as unusual.

        Two shares, by odds and by distance, of which the smaller counts, each divided by its part
        of what may be refused by mistake (weighted Bonferroni), at most 1.
        """
        known = (self.odds_quantiles, self.distance_quantiles)
        tests = zip(self.novelty(vectors), known, strict=True)
        shares = [
            (1 - np.interp(values, quantiles, np.linspace(0, 1, len(quantiles)))) / part
            for (values, quantiles), part in zip(tests, PARTS, strict=True)
        ]
        return np.minimum(1, np.minimum(*shares))
