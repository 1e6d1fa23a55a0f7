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

A drop measured at a lower level, with a share of the budget, is a trust times the final drop
(noise of its measurement included), a line of its own in the same features, which is the bias of
short trainings, and noise. Trust and noise of a level are chosen by the evidence too, so that a
level which says nothing about the end is trusted by 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr

from grids.search.contract import Drops, Group, Similarity
from grids.training.schedule import WHOLE

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]

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

# For each choice how much of the final drop a lower level shows, and its noise in units of δ. The
# first is believed until the evidence says otherwise.
FIDELITIES = np.array([(1.0, 0.4), *product((1.0, 0.5, 0.0), (0.1, 0.2, 0.4, 0.8, 1.6))])
# The bias of a level as a multiple of UNCERTAIN.
BIAS = 0.5

# In units of δ²: rounding must not make anything certain.
LEAST_VARIANCE = 1e-6

# Choices whose evidence is computed side by side.
BATCH = 24


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
    similarity: Similarity,
    measured: Drops,
    delta: float,
    lower: Mapping[int, Drops] | None = None,
) -> "DropModel":
    """Learns from what is measured.

    Args:
        similarity: of the n degradations.
        measured: drops in dB. Groups of one, with other degradations, or whose training failed for
            good say nothing here.
        delta: the drop allowed in dB, positive.
        lower: the same at lower levels, against single-task models of the same level.
    """
    names = similarity.names
    told = {WHOLE: measured, **(lower or {})}
    useful = [(level, group) for level in told for group in _useful(told[level], names)]
    known = np.array([[name in group for name in names] for _, group in useful], dtype=bool)
    known = known.reshape(-1, len(names))
    seen = _rows(similarity, known)
    level = np.array([useful[g][0] for g in seen.group], dtype=np.int64)
    drops = [
        told[useful[g][0]][useful[g][1]][names[m]]
        for g, m in zip(seen.group, seen.member, strict=True)
    ]
    effects = np.stack([*_effects(seen, seen), *_same(seen, known, seen, known)])
    levels = _Levels(level, seen.features, np.array(drops) / delta, effects)
    fidelity = {number: FIDELITIES[0] for number in told if number != WHOLE}
    start = STRENGTHS[0]
    for number in fidelity:
        choices = [fidelity | {number: choice} for choice in FIDELITIES]
        evidence = [levels.evidence(start[None], choice)[0] for choice in choices]
        fidelity = choices[int(np.argmax(evidence))]
    strengths = _strongest(levels, fidelity)
    power = strengths**2
    trust, residual, own = levels.weighed(fidelity)
    covariance = np.tensordot(power, effects, axes=1) * np.outer(trust, trust) + own
    factor: Floats = np.linalg.cholesky(covariance).astype(np.float64)
    fitted: Floats = solve_triangular(factor, residual, lower=True, check_finite=False)
    noise = {number: float(choice[1]) for number, choice in fidelity.items()}
    trusts = {number: float(choice[0]) for number, choice in fidelity.items()}
    return DropModel(similarity, delta, seen, known, trust, power, factor, fitted, trusts, noise)


def _useful(drops: Drops, names: tuple[str, ...]) -> list[Group]:
    return sorted(
        group
        for group, of_members in drops.items()
        if len(group) > 1
        and set(group) <= set(names)
        and np.isfinite(list(of_members.values())).all()
    )


def _strongest(levels: "_Levels", fidelity: Mapping[int, Floats]) -> Floats:
    """The strengths of most evidence: of all without lower levels, else chosen one by one."""
    if not fidelity:
        parts = [STRENGTHS[i : i + BATCH] for i in range(0, len(STRENGTHS), BATCH)]
        evidence = np.concatenate([levels.evidence(part, fidelity) for part in parts])
        # Of equally likely ones the first: trust in the distances, until they fail.
        best: Floats = STRENGTHS[evidence.argmax()]
        return best
    # What lower levels measure is much more, and the grid too large for it.
    chosen: Floats = STRENGTHS[0]
    for effect in (*range(len(chosen)), *range(len(chosen))):
        choices = np.repeat(chosen[None], len(np.unique(STRENGTHS[:, effect])), axis=0)
        choices[:, effect] = np.unique(STRENGTHS[:, effect])
        chosen = choices[int(levels.evidence(choices, fidelity).argmax())]
    return chosen


@dataclass(frozen=True, eq=False)
class DropModel:
    """What is known of all drops after some measurements; `fit` makes it.

    Attributes:
        similarity, delta: as `fit` takes them.
        seen, known: the rows that were measured, and who is in which of their groups.
        trust: of each row, 1 for the whole budget.
        power: squares of the chosen strengths.
        factor: Cholesky factor of the covariance of what was measured, noise included.
        fitted: residuals of what was measured in the factor's coordinates.
        trusts, noise: of each lower level, see FIDELITIES.
    """

    similarity: Similarity
    delta: float
    seen: "_Rows"
    known: Booleans
    trust: Floats
    power: Floats
    factor: Floats
    fitted: Floats
    trusts: Mapping[int, float]
    noise: Mapping[int, float]

    def predict(self, inside: Booleans) -> Prediction:
        """Predicts the drops of groups.

        Args:
            inside: who is in which group, shape (groups, n); at least two in each.
        """
        wanted, power = _rows(self.similarity, inside), self.power
        first = np.searchsorted(wanted.group, np.arange(len(inside)))
        same = _same(self.seen, self.known, wanted, inside)
        explained, mean = self._explained(np.stack([*_effects(self.seen, wanted), *same]))
        mean += wanted.features @ EXPECTED
        # As `_effects` of each row with itself, where both kinds of pairs and of members are 1.
        line = wanted.features**2 @ UNCERTAIN**2
        prior = (power[SHARED_LINE] + power[OWN_LINE]) * line + power[PAIR] + power[MEMBER]
        prior += power[GROUP] + power[NOISE]
        std = np.sqrt(np.maximum(prior - (explained**2).sum(axis=0), LEAST_VARIANCE))
        score = log_ndtr((1 - mean) / std)
        worst = np.lexsort((score, wanted.group))[first]
        chance = np.add.reduceat(score, first)
        return Prediction(mean[worst] * self.delta, std[worst] * self.delta, chance)

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
        bound[_alike(self.known, inside).any(axis=0)] = 0
        return bound

    def _explained(self, effects: Floats) -> tuple[Floats, Floats]:
        """What the measurements say of rows with these effects, and how it shifts their mean."""
        covariance = np.tensordot(self.power[: len(effects)], effects, axes=1)
        covariance *= self.trust[:, None]
        explained = solve_triangular(self.factor, covariance, lower=True, check_finite=False)
        return explained, self.fitted @ explained


@dataclass(frozen=True)
class _Rows:
    """One row for each group and member.

    Attributes:
        group: number of the group, ascending.
        member: number of the degradation whose drop the row is about.
        others: the other members, shape (rows, n).
        features: 1, mean and spread of the standardized distances to the others, size − 2.
    """

    group: Integers
    member: Integers
    others: Floats
    features: Floats


def _rows(similarity: Similarity, inside: Booleans) -> _Rows:
    symmetric = (similarity.distance + similarity.distance.T) / 2
    # Of one degradation there is none.
    pairs = symmetric[~np.eye(len(symmetric), dtype=bool)] if len(symmetric) > 1 else np.zeros(1)
    distance = (symmetric - pairs.mean()) / max(pairs.std(), 1e-9)
    group, member = np.nonzero(inside)
    others = inside[group].astype(np.float64)
    others[np.arange(len(group)), member] = 0
    count = others.sum(axis=1)
    mean = (others * distance[member]).sum(axis=1) / count
    square = (others * distance[member] ** 2).sum(axis=1) / count
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    features = np.stack([np.ones(len(group)), mean, spread, count - 1], axis=1)
    return _Rows(group, member, others, features)


@dataclass(frozen=True)
class _Levels:
    """What was measured, each row at its level.

    Attributes:
        level: of each row.
        features: of each row.
        drops: in units of δ.
        effects: how much each effect is shared, shape (effects, rows, rows).
    """

    level: Integers
    features: Floats
    drops: Floats
    effects: Floats

    def weighed(self, fidelity: Mapping[int, Floats]) -> tuple[Floats, Floats, Floats]:
        """Trust of each row, what is not expected of its drop, and the covariance of its level."""
        trust, noise = np.ones(len(self.level)), np.zeros(len(self.level))
        for number, (share, own) in fidelity.items():
            trust[self.level == number], noise[self.level == number] = share, own
        below = self.level < WHOLE
        alike = (self.level[:, None] == self.level) & below
        bias = BIAS**2 * alike * ((self.features * UNCERTAIN**2) @ self.features.T)
        residual = self.drops - trust * (self.features @ EXPECTED)
        return trust, residual, bias + np.diag(noise**2)

    def evidence(self, strengths: Floats, fidelity: Mapping[int, Floats]) -> Floats:
        """Logarithm of the likelihood of what is measured, but for a constant, of each choice."""
        trust, residual, own = self.weighed(fidelity)
        return _evidence(strengths, self.effects * np.outer(trust, trust), own, residual)


def _evidence(strengths: Floats, effects: Floats, own: Floats, residual: Floats) -> Floats:
    covariance = np.tensordot(strengths**2, effects, axes=1) + own
    lower = np.linalg.cholesky(covariance)
    fit = np.linalg.solve(covariance, np.broadcast_to(residual[:, None], (*lower.shape[:2], 1)))
    diagonal = np.diagonal(lower, axis1=1, axis2=2)
    evidence: Floats = -(fit[..., 0] @ residual) / 2 - np.log(diagonal).sum(axis=1)
    return evidence


def _effects(a: _Rows, b: _Rows) -> tuple[Floats, Floats, Floats, Floats]:
    """How much each effect is shared by the rows of a and of b, each of shape (a, b)."""
    line = (a.features * UNCERTAIN**2) @ b.features.T
    same = a.member[:, None] == b.member
    common = a.others @ b.others.T
    # 0 for the same member, who is not among its others.
    mutual = a.others[:, b.member] * b.others[:, a.member].T
    # Between a sum over the other members and their mean: neither fits all networks.
    scale = np.sqrt(np.outer(a.others.sum(axis=1), b.others.sum(axis=1)))
    return line, same * line, (same * common + mutual / 2) / scale, common / scale


def _same(a: _Rows, inside_a: Booleans, b: _Rows, inside_b: Booleans) -> tuple[Floats, Floats]:
    """Which rows of a and of b are of the same group, and which of its same member too."""
    group = _alike(inside_a, inside_b)[np.ix_(a.group, b.group)]
    return group.astype(np.float64), (group & (a.member[:, None] == b.member)).astype(np.float64)


def _alike(a: Booleans, b: Booleans) -> Booleans:
    """Which groups of a and of b are the same."""
    common = a.astype(np.float64) @ b.T
    same: Booleans = (common == a.sum(axis=1)[:, None]) & (common == b.sum(axis=1))
    return same
