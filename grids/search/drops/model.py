"""A model of the drop of each degradation in any group, with its uncertainty.

The drop of d in the group C, in units of δ, is a sum of normal effects, so what is known of it
after some verifications is normal too (a Gaussian process):

- a line in the mean distance of d to the others, in the spread of these distances and in the size
  of the group: shared by all degradations, and a deviation of each one's own;
- the effect of each other member on d, in part the same in both directions, and the effect of each
  member on anyone: what distances do not say;
- an effect of the group as a whole, alike for all its members;
- noise of each measurement.

How strong these are is chosen from a grid by the evidence of what is measured. So where distances
say nothing about drops, the model learns from the members instead, and trusts itself less.

Short trainings tell of the same drops, see `grids.search.drops.levels`. A drop at a lower level is
a trust times the final one, a line of its own in the same features, which is the bias of short
trainings, and noise: half of its variance is that of the single-task model, which all groups with
the degradation share. What a group lacks at the end to a single-task model at a level is the final
drop less what the single-task model gains from there on, which differs from one degradation to the
next by a spread. Trust, noise and spread of a level are chosen by the evidence too, so that a level
which says nothing about the end is all noise.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr

from grids.search.contract import Drops, Similarity
from grids.search.drops.levels import NOTHING, Short

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]

# Trust, noise and spread of each lower level.
Fidelity = dict[int, tuple[float, float, float]]

# The line before anything is measured, in units of δ: what a group of two at the mean distance
# drops, what a standard deviation of distance, one of spread and one more member add; and the
# standard deviations of these four.
EXPECTED = np.array([0.5, 0.5, 0.0, 0.35])
UNCERTAIN = np.array([0.7, 0.5, 0.2, 0.3])

# Strengths of the effects, a row for each choice: the shared and the own lines as multiples of
# UNCERTAIN, pairs, members, groups and noise in units of δ.
STRENGTHS = np.array(
    list(
        product(
            (1.0, 3.0), (0.2, 0.6), (0.1, 0.3, 1.0), (0.1, 0.4, 1.0), (0.1, 0.4), (0.1, 0.2, 0.4)
        )
    )
)
SHARED_LINE, OWN_LINE, PAIR, MEMBER, GROUP, NOISE = range(6)

# What a lower level may be worth, for each choice: how much of the final drop it shows, and its
# noise in units of δ, up to as good as nothing told. The first is believed until the evidence says
# otherwise.
FIDELITIES: list[tuple[float, float]] = [
    (1.0, 0.4),
    *product((1.0, 0.5), (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)),
]
# Spread of what single-task models gain behind a level, likewise.
SPREADS = (1.0, 0.25, 0.5, 2.0)
# Standard deviations before anything is measured: of the bias of a level as a multiple of
# UNCERTAIN, and of the mean gain behind it in units of δ.
BIAS = 0.5
GAIN = 4.0

# In units of δ²: rounding must not make anything certain.
LEAST_VARIANCE = 1e-6

# Choices whose evidence is computed side by side.
BATCH = 24

# Of what may be believed, what weighs less than this share of the likeliest is left out.
LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class Prediction:
    """What the models of some groups would lose, each of shape (groups,).

    Attributes:
        mean: drop in dB of the member that is most likely to drop too much.
        std: its standard deviation in dB, the noise of a measurement included.
        log_chance: logarithm of the product of the members' chances to drop at most δ. Drops of a
            group go together, so that is less than the chance of all: the less is known of a
            group, the more careful. Searches with the joint chance trained more for as many groups.
    """

    mean: Floats
    std: Floats
    log_chance: Floats

    def of(self, chosen: Integers | list[int]) -> "Prediction":
        """The predictions of some of the groups."""
        return Prediction(self.mean[chosen], self.std[chosen], self.log_chance[chosen])


def fit(
    similarity: Similarity, measured: Drops, delta: float, short: Short = NOTHING
) -> "DropModel":
    """Learns from what is measured.

    Args:
        similarity: of the n degradations.
        measured: drops in dB, of all or some of the members of each group. Groups of one, with
            other degradations, or whose training failed for good say nothing here.
        delta: the drop allowed in dB, positive.
        short: what is measured at lower levels.
    """
    told = _Told.of(similarity, measured, delta, short)
    fidelity = told.fidelity()
    return told.model(told.strengths(fidelity), fidelity)


def weighed(
    similarity: Similarity, measured: Drops, delta: float, short: Short
) -> list[tuple[float, "DropModel"]]:
    """As `fit`, but all that may be believed of each level, with what it weighs, 1 together.

    Where hardly anything is measured at a level and at the end, it is not known how far the level
    is to be trusted, and a single choice would be too sure.
    """
    told = _Told.of(similarity, measured, delta, short)
    best = told.fidelity()
    strengths = told.strengths(best)
    choices = {
        tuple(sorted((best | {level: (*choice, spread)}).items()))
        for level in best
        for choice in FIDELITIES
        for spread in (SPREADS if level in short.ahead else SPREADS[:1])
    }
    fidelities = [dict(choice) for choice in sorted(choices)] or [best]
    evidence = np.array([told.evidence(strengths[None], choice)[0] for choice in fidelities])
    weights = np.exp(evidence - evidence.max())
    weights[weights < LEAST_WEIGHT] = 0
    return [
        (float(weight / weights.sum()), told.model(strengths, choice))
        for weight, choice in zip(weights, fidelities, strict=True)
        if weight
    ]


@dataclass(frozen=True, eq=False)
class DropModel:
    """What is known of all drops after some measurements; `fit` makes it.

    Attributes:
        similarity, delta: as `fit` takes them.
        seen: the rows that were measured.
        trust: of each of these rows, 1 at the end of a training.
        power: squares of the chosen strengths.
        lower: Cholesky factor of the covariance of what was measured, noise included.
        fitted: residuals of what was measured in the factor's coordinates.
    """

    similarity: Similarity
    delta: float
    seen: "_Rows"
    trust: Floats
    power: Floats
    lower: Floats
    fitted: Floats

    def predict(self, inside: Booleans) -> Prediction:
        """Predicts the drops of groups.

        Args:
            inside: who is in which group, shape (groups, n); at least two in each.
        """
        wanted, mean, std = self._rows(inside)
        first = np.searchsorted(wanted.group, np.arange(len(inside)))
        score = log_ndtr((1 - mean) / std)
        worst = np.lexsort((score, wanted.group))[first]
        chance = np.add.reduceat(score, first)
        return Prediction(mean[worst] * self.delta, std[worst] * self.delta, chance)

    def log_chances(self, inside: Booleans) -> Floats:
        """Logarithms of the chances of the members of one group to drop at most δ.

        Args:
            inside: who is in the group, shape (n,).
        """
        _, mean, std = self._rows(inside[None])
        chances: Floats = log_ndtr((1 - mean) / std)
        return chances

    def log_bound(self, inside: Booleans) -> Floats:
        """At least the logarithm of the chance of each group to pass, at a fraction of the cost.

        It is the chance that the members' mean drop is at most δ; 1 for what has been measured.
        """
        seen, wanted = self.seen, _rows(self.similarity, inside)
        first = np.searchsorted(wanted.group, np.arange(len(inside)))
        size = inside.sum(axis=1)
        features = np.add.reduceat(wanted.features, first) / size[:, None]
        own = np.zeros((*inside.shape, len(EXPECTED)))
        own[wanted.group, wanted.member] = wanted.features
        weighted = seen.features * UNCERTAIN**2
        own_line = np.einsum("rf,grf->rg", weighted, own[:, seen.member]) / size
        common = seen.others @ inside.T
        scale = np.sqrt(np.outer(seen.others.sum(axis=1), size - 1)) * size
        pair = 1.5 * inside[:, seen.member].T * common / scale
        member = common * (size - 1) / scale
        effects = np.stack([weighted @ features.T, own_line, pair, member])
        explained, mean = self._explained(effects)
        mean += features @ EXPECTED
        line = wanted.features**2 @ UNCERTAIN**2
        power = self.power
        prior = power[SHARED_LINE] * (features**2 @ UNCERTAIN**2)
        prior += power[OWN_LINE] * np.add.reduceat(line, first) / size**2
        prior += power[PAIR] * 1.5 / size + power[MEMBER] * (size - 1) / size
        variance = np.maximum(prior - (explained**2).sum(axis=0), 0) + power[GROUP]
        bound: Floats = log_ndtr((1 - mean) / np.sqrt(variance + power[NOISE] / size))
        bound[_alike(seen.inside, inside).any(axis=0)] = 0
        return bound

    def _rows(self, inside: Booleans) -> tuple["_Rows", Floats, Floats]:
        """Each member of groups, with the mean of its drop and the standard deviation."""
        wanted, power = _rows(self.similarity, inside), self.power
        explained, mean = self._explained(_effects(self.seen, wanted))
        mean += wanted.features @ EXPECTED
        # As `_effects` of each row with itself, where both kinds of pairs and of members are 1.
        line = wanted.features**2 @ UNCERTAIN**2
        prior = (power[SHARED_LINE] + power[OWN_LINE]) * line + power[PAIR:].sum()
        variance = np.maximum(prior - (explained**2).sum(axis=0), LEAST_VARIANCE)
        return wanted, mean, np.sqrt(variance)

    def _explained(self, effects: Floats) -> tuple[Floats, Floats]:
        """What the measurements say of rows with these effects, and how it shifts their mean."""
        covariance = np.tensordot(self.power[: len(effects)], effects, axes=1)
        covariance *= self.trust[:, None]
        explained = solve_triangular(self.lower, covariance, lower=True, check_finite=False)
        return explained, self.fitted @ explained


@dataclass(frozen=True)
class _Rows:
    """One row for each group and member.

    Attributes:
        group: number of the group, ascending.
        member: number of the degradation whose drop the row is about.
        inside: who is in the group, shape (rows, n).
        others: the other members, shape (rows, n).
        features: 1, mean and spread of the standardized distances to the others, size − 2.
    """

    group: Integers
    member: Integers
    inside: Booleans
    others: Floats
    features: Floats


def _rows(similarity: Similarity, inside: Booleans, told: Booleans | None = None) -> _Rows:
    """A row for each member of groups, or for those that are told of; shapes (groups, n)."""
    symmetric = (similarity.distance + similarity.distance.T) / 2
    # Of one degradation there is none.
    pairs = symmetric[~np.eye(len(symmetric), dtype=bool)] if len(symmetric) > 1 else np.zeros(1)
    distance = (symmetric - pairs.mean()) / max(pairs.std(), 1e-9)
    group, member = np.nonzero(inside if told is None else told)
    others = inside[group].astype(np.float64)
    others[np.arange(len(group)), member] = 0
    count = others.sum(axis=1)
    mean = (others * distance[member]).sum(axis=1) / count
    square = (others * distance[member] ** 2).sum(axis=1) / count
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    features = np.stack([np.ones(len(group)), mean, spread, count - 1], axis=1)
    return _Rows(group, member, inside[group], others, features)


@dataclass(frozen=True)
class _Told:
    """All that was measured, a row for each group, member and way of telling.

    Attributes:
        similarity, delta: as `fit` takes them.
        seen: the rows.
        drops: what each says of a drop, in units of δ.
        effects: how much each effect is shared by two rows, shape (effects, rows, rows).
        level: of each row, 0 at the end of a training.
        ahead: of each row whether a group's end is compared with a single-task model at the level.
    """

    similarity: Similarity
    delta: float
    seen: _Rows
    drops: Floats
    effects: Floats
    level: Integers
    ahead: Booleans

    @classmethod
    def of(cls, similarity: Similarity, measured: Drops, delta: float, short: Short) -> "_Told":
        names = similarity.names
        sources = [(0, False, measured)]
        sources += [(level, False, drops) for level, drops in short.drops.items()]
        sources += [(level, True, drops) for level, drops in short.ahead.items()]
        useful = [
            (level, ahead, group, drops[group])
            for level, ahead, drops in sources
            for group in sorted(drops)
            if len(group) > 1
            and set(group) <= set(names)
            and np.isfinite(list(drops[group].values())).all()
        ]
        inside = np.array([[n in group for n in names] for _, _, group, _ in useful], dtype=bool)
        told = np.array([[n in drops for n in names] for _, _, _, drops in useful], dtype=bool)
        seen = _rows(similarity, inside.reshape(-1, len(names)), told.reshape(-1, len(names)))
        drops = [useful[g][3][names[m]] for g, m in zip(seen.group, seen.member, strict=True)]
        return cls(
            similarity,
            delta,
            seen,
            np.array(drops) / delta,
            _effects(seen, seen),
            np.array([useful[g][0] for g in seen.group], dtype=np.int64),
            np.array([useful[g][1] for g in seen.group], dtype=bool),
        )

    def fidelity(self) -> Fidelity:
        """Trust, noise and spread of each lower level, as most evidence has it."""
        levels = sorted(set(self.level.tolist()) - {0})
        chosen: Fidelity = dict.fromkeys(levels, (*FIDELITIES[0], SPREADS[0]))
        for level in levels:
            choices = [chosen | {level: (*choice, SPREADS[0])} for choice in FIDELITIES]
            chosen = self._likeliest(choices)
            if (self.ahead & (self.level == level)).any():
                trust, noise, _ = chosen[level]
                chosen = self._likeliest([chosen | {level: (trust, noise, s)} for s in SPREADS])
        return chosen

    def _likeliest(self, choices: list[Fidelity]) -> Fidelity:
        evidence = [self.evidence(STRENGTHS[:1], choice)[0] for choice in choices]
        return choices[int(np.argmax(evidence))]

    def strengths(self, fidelity: Fidelity) -> Floats:
        """The strengths of most evidence; of equally likely ones the first."""
        if not fidelity:
            parts = [STRENGTHS[i : i + BATCH] for i in range(0, len(STRENGTHS), BATCH)]
            evidence = np.concatenate([self.evidence(part, fidelity) for part in parts])
            # Trust in the distances, until they fail.
            best: Floats = STRENGTHS[evidence.argmax()]
            return best
        # What lower levels measure is much more, and the grid too large for it: one by one.
        chosen: Floats = STRENGTHS[0]
        for effect in (*range(len(chosen)), *range(len(chosen))):
            values = np.unique(STRENGTHS[:, effect])
            choices = np.repeat(chosen[None], len(values), axis=0)
            choices[:, effect] = values
            chosen = choices[int(self.evidence(choices, fidelity).argmax())]
        return chosen

    def evidence(self, strengths: Floats, fidelity: Fidelity) -> Floats:
        """Logarithm of the likelihood of what is measured, but for a constant, of each choice."""
        trust, residual, own = self._parts(fidelity)
        effects = self.effects * np.outer(trust, trust)
        covariance = np.tensordot(strengths**2, effects, axes=1) + own
        lower = np.linalg.cholesky(covariance)
        fit = np.linalg.solve(covariance, np.broadcast_to(residual[:, None], (*lower.shape[:2], 1)))
        diagonal = np.diagonal(lower, axis1=1, axis2=2)
        evidence: Floats = -(fit[..., 0] @ residual) / 2 - np.log(diagonal).sum(axis=1)
        return evidence

    def model(self, strengths: Floats, fidelity: Fidelity) -> DropModel:
        """What is known of all drops, if these are the strengths and the worth of each level."""
        power = strengths**2
        trust, residual, own = self._parts(fidelity)
        effects = self.effects * np.outer(trust, trust)
        covariance: Floats = np.tensordot(power, effects, axes=1) + own
        lower = np.linalg.cholesky(covariance).astype(np.float64)
        fitted = solve_triangular(lower, residual, lower=True, check_finite=False)
        return DropModel(self.similarity, self.delta, self.seen, trust, power, lower, fitted)

    def _parts(self, fidelity: Fidelity) -> tuple[Floats, Floats, Floats]:
        """Trust of each row, what is not expected of it, and the covariance of the levels."""
        size = len(self.level)
        trust, noise, own = np.ones(size), np.zeros(size), np.zeros((size, size))
        same = self.seen.member[:, None] == self.seen.member
        line = (self.seen.features * UNCERTAIN**2) @ self.seen.features.T
        for level, (share, deviation, spread) in fidelity.items():
            rows = self.level == level
            short, ahead = rows & ~self.ahead, rows & self.ahead
            trust[short] = share
            noise[short] = deviation**2 / 2
            # So that what follows from other rows is not certain to the last digit.
            noise[ahead] = LEAST_VARIANCE
            own += np.outer(rows, rows) * same * deviation**2 / 2
            own += np.outer(short, short) * BIAS**2 * line
            own += np.outer(ahead, ahead) * (GAIN**2 + spread**2 * same)
        residual = self.drops - trust * (self.seen.features @ EXPECTED)
        return trust, residual, own + np.diag(noise)


def _effects(a: _Rows, b: _Rows) -> Floats:
    """How much each effect is shared by the rows of a and of b, shape (effects, a, b)."""
    line = (a.features * UNCERTAIN**2) @ b.features.T
    same = a.member[:, None] == b.member
    common = a.others @ b.others.T
    # 0 for the same member, who is not among its others.
    mutual = a.others[:, b.member] * b.others[:, a.member].T
    # Between a sum over the other members and their mean: neither fits all networks.
    scale = np.sqrt(np.outer(a.others.sum(axis=1), b.others.sum(axis=1)))
    group = _alike(a.inside, b.inside)
    pair = (same * common + mutual / 2) / scale
    return np.stack([line, same * line, pair, common / scale, group, group & same])


def _alike(a: Booleans, b: Booleans) -> Booleans:
    """Which groups of a and of b, shapes (…, n), are the same."""
    common = a.astype(np.float64) @ b.T
    same: Booleans = (common == a.sum(axis=1)[:, None]) & (common == b.sum(axis=1))
    return same
