"""What is fitted to choose with, and what follows from it for photographs (GRIDS, Section 5.2).

The paper compares the law of the photograph's features with the mean law of each group and takes
the nearest. Busy and smooth pictures shift that law as much as a degradation does, so the default
rule asks the pixels: small networks and a linear discriminant over their spectra and residuals,
fitted to single photographs under known degradations.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from grids.base.errors import InputError
from grids.selection import conformal
from grids.selection.discriminant import Discriminant
from grids.selection.network import Network
from grids.selection.regression import Regression
from grids.similarity import law

Floats = NDArray[np.float64]

# The gain lies within its interval for this share of photographs.
COVERAGE = 0.9
# It is at least what can be counted on for so many of them. What an undamaged picture loses may be
# tens of dB, and what a damaged one loses to a model of little use is little. So where the
# probability that it is undamaged is below `DOUBT`, fewer are enough, as long as `COUNTED_ON` of
# them lose no more than `RISKED_DB`.
COUNTED_ON, IF_DAMAGED = 0.9, 0.6
DOUBT = 0.003
RISKED_DB = 2.0
# Statistics count up to so many standard deviations from their mean.
BOUND = 4.0
# What the discriminant's logarithms are divided by before they are added to the networks'.
CAUTION = 6.0
FLOOR = 1e-9


@dataclass(frozen=True)
class Forecast:
    """What is known beforehand of gains (N, M) in dB, of as many models.

    Attributes:
        expected: in the mean.
        low, high: ends of the intervals in which 90 % lie, ∓∞ where that cannot be told.
        counted_on: what is reached with a probability of 90 %, −∞ where there is no interval; or
            with a lower one where the photograph is almost certainly damaged and 90 % lose little.
    """

    expected: Floats
    low: Floats
    high: Floats
    counted_on: Floats


@dataclass(frozen=True)
class Rule:
    """Everything fitted that decisions are made from. Arrays only, so that it is a file of tensors.

    C degradations make m groups; D statistics describe a photograph. Two models may restore it:
    that of its group, and the mix of all where that suits it better. Both are tried on a window of
    it, which tells F numbers of each (`grids.selection.trial`). That of another group may take the
    group's place (see `grids.selection.decision.choose`).

    Attributes:
        alpha, sigma: (C,) mean laws of single photographs under each degradation.
        membership: (m, C), 1 where the group has the degradation.
        least, most: (D,) bounds of the statistics: what lies beyond counts as these.
        first, first_offset, second, second_offset, output, output_offset: the networks of C + 1
            classes, the last one clean.
        centre, whitening, means: the discriminant of the same.
        temperature: (1,) what the logarithms of their probabilities are divided by, so that they
            are as sure as they are right.
        gain_centre, gain_scale, gain_points, gain_weights, gain_level, gain_width, gain_errors,
            gain_reach: the regression of both gains in dB, the group's and the mix's (see
            `grids.selection.regression.Regression`).
        places: (N, C + 1) where views of the calibration lie (see `place`).
        errors: (N, 2) gain of each model on them less what was expected, over its spread.
        reach: (1,) distance at which a view counts as much as exp(−½) of one at the same place.
        level: (1,) share of them that intervals are for, such that they hold for `COVERAGE` of
            those of each source, as far as is known (see `grids.selection.conformal.level`).
        distance_quantiles: (Q,) evenly spaced quantiles of their squared distance from the nearest
            class.
        darkest_quantiles: (Q,) the same of how dark their darkest pixels are.
    """

    alpha: Floats
    sigma: Floats
    membership: Floats
    least: Floats
    most: Floats
    first: Floats
    first_offset: Floats
    second: Floats
    second_offset: Floats
    output: Floats
    output_offset: Floats
    centre: Floats
    whitening: Floats
    means: Floats
    temperature: Floats
    gain_centre: Floats
    gain_scale: Floats
    gain_points: Floats
    gain_weights: Floats
    gain_level: Floats
    gain_width: Floats
    gain_errors: Floats
    gain_reach: Floats
    places: Floats
    errors: Floats
    reach: Floats
    level: Floats
    distance_quantiles: Floats
    darkest_quantiles: Floats

    @classmethod
    def of(cls, arrays: dict[str, Floats]) -> "Rule":
        """From the arrays of a file.

        Raises:
            InputError: an array is missing or not finite.
        """
        for field in fields(cls):
            if field.name not in arrays:
                raise InputError(
                    f"the selector's array {field.name!r} is missing; it is broken or of another "
                    "version: make it again"
                )
            if not np.isfinite(arrays[field.name]).all():
                raise InputError(f"the selector's array {field.name!r} is not finite")
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def arrays(self) -> dict[str, Floats]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def discriminant(self) -> Discriminant:
        return Discriminant(self.centre, self.whitening, self.means)

    @property
    def network(self) -> Network:
        return Network(*(getattr(self, field.name) for field in fields(Network)))

    def of_member(self, number: int) -> "Rule":
        """The rule with one of its networks alone."""
        return replace(
            self,
            **{name: array[number, None] for name, array in vars(self.network).items()},
        )

    def bounded(self, vectors: Floats) -> Floats:
        """(N, D) statistics within what was seen: logarithms of nearly nothing lie anywhere."""
        return vectors.clip(self.least, self.most)

    def distances(self, alpha: Floats, sigma: Floats) -> Floats:
        """(N, m) distances S(group, photograph), the group's law the mean of its members'."""
        share = self.membership / self.membership.sum(axis=1, keepdims=True)
        divergence = law.kl(share @ self.alpha, share @ self.sigma, alpha[:, None], sigma[:, None])
        return law.distance(divergence)

    def scores(self, vectors: Floats) -> Floats:
        """(N, C + 1) logarithms of the classes' probabilities, but for one summand of a row.

        The networks are right more often, and the discriminant needs fewer views. So the ones are
        corrected by the other, which is far too sure of itself and counts little for each unit.
        """
        squared = self.discriminant.squared_distances(self.bounded(vectors))
        logits = self.network.logits(standard(vectors, self.least, self.most))
        return (logits - squared / 2 / CAUTION) / self.temperature

    def classes(self, vectors: Floats) -> Floats:
        """(N, C + 1) probabilities of the degradations and, last, of none."""
        # Never 0, so that what is given a known degradation can always be told.
        scores = self.scores(vectors)
        likeness = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: Floats = likeness / likeness.sum(axis=1, keepdims=True)
        return probabilities.clip(min=1e-300)

    def probabilities(self, vectors: Floats) -> Floats:
        """(N, m) probabilities of the groups, given a known degradation."""
        return self.groups(self.classes(vectors))

    def groups(self, classes: Floats) -> Floats:
        """(N, m) probabilities of the groups, given a known degradation, of those of classes."""
        likeness = classes[:, :-1] @ self.membership.T
        shares: Floats = likeness / likeness.sum(axis=1, keepdims=True)
        return shares

    def gains(self, vectors: Floats, trials: Floats) -> tuple[Floats, Floats]:
        """(N, 2) expected gains in dB of the group's model and of the mix, and their spreads.

        Args:
            vectors: (N, D).
            trials: (N, 2, F) what trying both models told.
        """
        return self.regression(known(self.place(vectors), trials))

    @property
    def regression(self) -> Regression:
        arrays = [getattr(self, f"gain_{field.name}") for field in fields(Regression)]
        return Regression(*arrays)

    def forecast(
        self, vectors: Floats, trials: Floats, share_if_damaged: float = IF_DAMAGED
    ) -> Forecast:
        """What is known of the gains beforehand.

        Half of those that lie outside an interval lie on either side. Views of the calibration
        count by how like their classes are to the photograph's. So an interval holds for damage
        like this, and where too few have it there is none. It is to hold for each source of
        photographs, since nobody knows which of them this one is like.

        Args:
            vectors: (N, D).
            trials: (N, 2, F) what trying both models told.
            share_if_damaged: probability of what is counted on where damage is almost certain.
        """
        expected, spread = self.gains(vectors, trials)
        place = self.place(vectors)
        weights = conformal.likeness(place, self.places, self.reach.item())

        def reached(share: float) -> Floats:
            return expected + conformal.reached(self.errors, weights, share) * spread

        low, high = conformal.interval(self.errors, weights, self.level.item())
        surely = reached(COUNTED_ON)
        certain = (np.square(place[:, -1:]) < DOUBT) & (surely >= -RISKED_DB)
        otherwise = np.where(np.isfinite(high - low), surely, -np.inf)
        return Forecast(
            expected,
            expected + low * spread,
            expected + high * spread,
            np.where(certain, reached(share_if_damaged), otherwise),
        )

    def place(self, vectors: Floats) -> Floats:
        """(N, C + 1) what makes photographs alike: roots of the probabilities of their classes.

        How far two lie apart is Hellinger's distance, √2 where they share no class.
        """
        return np.sqrt(self.classes(vectors))

    def odds(self, vectors: Floats) -> Floats:
        """(N,) log odds of clean against the likeliest degradation."""
        scores = self.scores(vectors)
        odds: Floats = scores[:, -1] - scores[:, :-1].max(axis=1)
        return odds

    def distance(self, vectors: Floats) -> Floats:
        """(N,) squared Mahalanobis distance from the nearest class, clean among them."""
        squared = self.discriminant.squared_distances(self.bounded(vectors))
        nearest: Floats = squared.min(axis=1)
        return nearest

    def usualness(self, vectors: Floats, darkest: Floats) -> Floats:
        """(N,) share of the calibration's views that are at least as unusual.

        Of two: how far they are from every class, and how bright their darkest pixels are.

        Args:
            vectors: (N, D).
            darkest: (N,) see `grids.selection.pixel_statistics.darkest`.
        """
        return np.minimum(
            _beyond(self.distance(vectors), self.distance_quantiles),
            _beyond(darkest, self.darkest_quantiles),
        )


def standard(vectors: Floats, least: Floats, most: Floats) -> Floats:
    """(N, D) statistics in standard deviations from their mean, within bounds (D,) as of `Rule`."""
    deviation = (most - least) / (2 * BOUND) + FLOOR
    return (vectors.clip(least, most) - (least + most) / 2) / deviation


def known(places: Floats, trials: Floats) -> Floats:
    """(N, 2F + C + 1) what the gains are told by: what one model does tells of the other too.

    Args:
        places: (N, C + 1) see `Rule.place`.
        trials: (N, 2, F).
    """
    return np.concatenate([trials.reshape(len(trials), -1), places], axis=1)


def _beyond(values: Floats, quantiles: Floats) -> Floats:
    """Shares of what the quantiles are of that is not below the values."""
    shares: Floats = 1 - np.interp(values, quantiles, np.linspace(0, 1, len(quantiles)))
    return shares
