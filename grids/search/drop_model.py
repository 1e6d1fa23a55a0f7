"""A model of the drop of each degradation in any group, with its uncertainty.

The drop of d in the group C, in units of δ, is a sum of normal effects, so what is known of it
after some verifications is normal too (a Gaussian process):

- a line in the mean distance of d to the others, in the spread of these distances and in the size
  of the group: shared by all degradations, and a deviation of each one's own;
- the effect of each other member on d, in part the same in both directions, and the effect of each
  member on anyone: what distances do not say;
- noise of each measurement.

How strong these are is chosen from a grid by the evidence of what is measured. So where distances
say nothing about drops, the model learns from the members instead, and trusts itself less.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import log_ndtr

from grids.search.decision import Drops, Similarity

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

# The line before anything is measured, in units of δ: what a group of two at the mean distance
# drops, what a standard deviation of distance, one of spread and one more member add; and the
# standard deviations of these four.
EXPECTED = np.array([0.5, 0.5, 0.0, 0.35])
UNCERTAIN = np.array([0.7, 0.5, 0.2, 0.3])


@dataclass(frozen=True)
class Strengths:
    """How strong the effects are: multiples of UNCERTAIN for the lines, else in units of δ."""

    shared_line: float
    own_line: float
    pair: float
    member: float
    noise: float


# The first of equally likely ones is taken: trust in the distances, until they fail.
GRID = [
    Strengths(*values)
    for values in product((1.0, 3.0), (0.2, 0.6), (0.3, 0.1, 1.0), (0.1, 0.4), (0.2, 0.1, 0.4))
]


@dataclass(frozen=True)
class Prediction:
    """What the models of some groups would lose, each of shape (groups,).

    Attributes:
        mean: drop in dB of the member that is most likely to drop too much.
        std: its standard deviation in dB, the noise of a measurement included.
        log_chance: logarithm of the chance that each member's drop is at most δ.
    """

    mean: Floats
    std: Floats
    log_chance: Floats


def predict(similarity: Similarity, measured: Drops, inside: Booleans, delta: float) -> Prediction:
    """Predicts what is not measured from what is.

    Args:
        similarity: of the n degradations.
        measured: drops in dB. Groups of one, with other degradations, or whose training failed for
            good say nothing here.
        inside: who is in which group, shape (groups, n); at least two in each.
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
    wanted = _rows(similarity, inside)
    mean, std = _posterior(seen, np.array(drops) / delta, wanted)
    score = log_ndtr((1 - mean) / std)
    first = np.searchsorted(wanted.group, np.arange(len(inside)))
    worst = np.lexsort((score, wanted.group))[first]
    return Prediction(mean[worst] * delta, std[worst] * delta, np.add.reduceat(score, first))


@dataclass(frozen=True)
class _Rows:
    """One row for each group and member.

    Attributes:
        group: number of the group, ascending.
        member: number of the degradation whose drop the row is about.
        others: the other members, shape (rows, n).
        features: 1, mean and spread of the standardized distances to the others, size − 2.
    """

    group: NDArray[np.int64]
    member: NDArray[np.int64]
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


def _posterior(seen: _Rows, drops: Floats, wanted: _Rows) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the wanted rows' drops in units of δ."""
    residual = drops - seen.features @ EXPECTED
    effects = _effects(seen, seen)
    evidence, fits = [], []
    for strengths in GRID:
        noise = strengths.noise**2 * np.eye(len(drops))
        lower = cholesky(_covariance(effects, strengths) + noise, lower=True)
        weights = cho_solve((lower, True), residual)
        evidence.append(-residual @ weights / 2 - np.log(np.diag(lower)).sum())
        fits.append((strengths, lower, weights))
    strengths, lower, weights = fits[int(np.argmax(evidence))]
    covariance = _covariance(_effects(seen, wanted), strengths)
    mean = wanted.features @ EXPECTED + weights @ covariance
    explained = (solve_triangular(lower, covariance, lower=True) ** 2).sum(axis=0)
    line = (wanted.features**2 * UNCERTAIN**2).sum(axis=1)
    # As `_covariance` of each row with itself, where both kinds of pairs and of members are 1.
    prior = (strengths.shared_line**2 + strengths.own_line**2) * line
    prior += strengths.pair**2 + strengths.member**2
    return mean, np.sqrt(np.maximum(prior - explained, 0) + strengths.noise**2)


def _effects(a: _Rows, b: _Rows) -> tuple[Floats, Floats, Floats, Floats]:
    """How much each effect is shared by the rows of a and of b, each of shape (a, b)."""
    line = (a.features * UNCERTAIN**2) @ b.features.T
    same = a.member[:, None] == b.member
    common = a.others @ b.others.T
    mutual = np.where(same, 0, a.others[:, b.member] * b.others[:, a.member].T)
    # Between a sum over the other members and their mean: neither fits all networks.
    scale = np.sqrt(np.outer(a.others.sum(axis=1), b.others.sum(axis=1)))
    return line, same * line, (same * common + mutual / 2) / scale, common / scale


def _covariance(effects: tuple[Floats, Floats, Floats, Floats], strengths: Strengths) -> Floats:
    line, own_line, pair, member = effects
    return (
        strengths.shared_line**2 * line
        + strengths.own_line**2 * own_line
        + strengths.pair**2 * pair
        + strengths.member**2 * member
    )
