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
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr

from grids.search.contract import Drops, Similarity

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


def fit(similarity: Similarity, measured: Drops, delta: float) -> "DropModel":
    """Learns from what is measured.

    Args:
        similarity: of the n degradations.
        measured: drops in dB. Groups of one, with other degradations, or whose training failed for
            good say nothing here.
        delta: the drop allowed in dB, positive.
    """
    names = similarity.names
    useful = sorted(
        group
        for group, drops in measured.items()
        if len(group) > 1 and set(group) <= set(names) and np.isfinite(list(drops.values())).all()
    )
    known = np.array([[name in group for name in names] for group in useful], dtype=bool)
    seen = _rows(similarity, known.reshape(-1, len(names)))
    drops = [measured[useful[g]][names[m]] for g, m in zip(seen.group, seen.member, strict=True)]
    residual = np.array(drops) / delta - seen.features @ EXPECTED
    same_group = seen.group[:, None] == seen.group
    effects = np.stack([*_effects(seen, seen), same_group, np.eye(len(drops))])
    parts = [STRENGTHS[i : i + BATCH] for i in range(0, len(STRENGTHS), BATCH)]
    evidence = np.concatenate([_evidence(part, effects, residual) for part in parts])
    # Of equally likely ones the first: trust in the distances, until they fail.
    power = STRENGTHS[evidence.argmax()] ** 2
    lower = np.linalg.cholesky(np.tensordot(power, effects, axes=1))
    fitted = solve_triangular(lower, residual, lower=True, check_finite=False)
    return DropModel(similarity, delta, seen, power, lower, fitted)


@dataclass(frozen=True, eq=False)
class DropModel:
    """What is known of all drops after some measurements; `fit` makes it.

    Attributes:
        similarity, delta: as `fit` takes them.
        seen: the rows that were measured.
        power: squares of the chosen strengths.
        lower: Cholesky factor of the covariance of what was measured, noise included.
        fitted: residuals of what was measured in the factor's coordinates.
    """

    similarity: Similarity
    delta: float
    seen: "_Rows"
    power: Floats
    lower: Floats
    fitted: Floats

    def predict(self, inside: Booleans) -> Prediction:
        """Predicts the drops of groups.

        Args:
            inside: who is in which group, shape (groups, n); at least two in each.
        """
        wanted, power = _rows(self.similarity, inside), self.power
        first = np.searchsorted(wanted.group, np.arange(len(inside)))
        explained, mean = self._explained(np.stack(_effects(self.seen, wanted)))
        mean += wanted.features @ EXPECTED
        # As `_effects` of each row with itself, where both kinds of pairs and of members are 1.
        line = wanted.features**2 @ UNCERTAIN**2
        prior = (power[SHARED_LINE] + power[OWN_LINE]) * line + power[PAIR] + power[MEMBER]
        variance = np.maximum(prior - (explained**2).sum(axis=0), 0) + power[GROUP]
        std = np.sqrt(variance + power[NOISE])
        score = log_ndtr((1 - mean) / std)
        worst = np.lexsort((score, wanted.group))[first]
        chance = np.add.reduceat(score, first)
        return Prediction(mean[worst] * self.delta, std[worst] * self.delta, chance)

    def log_bound(self, inside: Booleans) -> Floats:
        """At least the logarithm of the chance of each group to pass, at a fraction of the cost.

        It is the chance that the members' mean drop is at most δ.
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
        return bound

    def _explained(self, effects: Floats) -> tuple[Floats, Floats]:
        """What the measurements say of rows with these effects, and how it shifts their mean."""
        covariance = np.tensordot(self.power[:GROUP], effects, axes=1)
        explained = solve_triangular(self.lower, covariance, lower=True, check_finite=False)
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
    pairs = symmetric[~np.eye(len(symmetric), dtype=bool)]
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


def _evidence(strengths: Floats, effects: Floats, residual: Floats) -> Floats:
    """Logarithm of the likelihood of what is measured, but for a constant, for each choice."""
    covariance = np.tensordot(strengths**2, effects, axes=1)
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
