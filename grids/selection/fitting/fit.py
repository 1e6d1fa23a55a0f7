"""Fitting what decisions are made from: references, prediction of gains, calibration.

Three sets of single photographs ("views") with no photograph in common: references fit, held-out
ones calibrate, test sets judge.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

from grids.selection import conformal, discriminant
from grids.selection.fitting import learning
from grids.selection.fitting.views import CLEAN
from grids.selection.rule import COVERAGE, Rule

QUANTILES = np.linspace(0, 1, 1001)
# Of the ridge regression, in units of the whitened statistics' variance.
PENALTIES = tuple(np.geomspace(0.01, 100, 13))
TEMPERATURES = np.geomspace(0.1, 100, 100)
FLOOR = 1e-12
# Below this, errors of gains are those of rounding to 8 bits.
LEAST_DB = 0.02
# One photograph in so many calibrates.
FOLDS = 5
# Of each degradation the first so many views have their gains measured, to fit these and to set
# their intervals: a restoration takes longer than a look.
GAIN_VIEWS, INTERVAL_VIEWS = 100, 200
# For this share of the calibration's views there is an interval.
PROMISED = 0.95
# Statistics count up to so many standard deviations from their mean.
BOUND = 4.0

Floats = NDArray[np.float64]


def fitted(
    views: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    with_gains: Callable[[pd.DataFrame], pd.DataFrame],
) -> tuple[Rule, pd.DataFrame]:
    """The whole way from views to a rule that chooses, predicts and knows its limits.

    Args:
        views: as `fit` takes references, with `number` and `photograph` of each.
        groups: the degradations of each group.
        with_gains: adds `gains_db` of all models (see `predict`).

    Returns:
        The rule, and the held-out views that set its limits, the first of them with their gains.
    """
    out = held_out(views)
    measured = with_gains(views[views["number"] < np.where(out, INTERVAL_VIEWS, GAIN_VIEWS)])
    rule = predict(fit(views[~out], groups), measured[~out[measured.index]], groups)
    judged = views[out].assign(gains_db=measured["gains_db"])
    return calibrate(rule, judged, groups), judged


def fit(references: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """A rule that chooses; it expects no gain yet, and has no limits.

    Args:
        references: one row a view: `degradation` (`clean` among them), `vector`, `darkest`, and
            `alpha` and `sigma` where the law was measured.
        groups: the degradations of each group.
    """
    degradations = [name for group in groups for name in group]
    vectors, labels = np.stack(references["vector"]), _labels(references, groups)
    centre, reach = vectors.mean(axis=0), BOUND * vectors.std(axis=0)
    least, most = centre - reach, centre + reach
    bounded = vectors.clip(least, most)
    fitted, network = discriminant.fit(bounded, labels), learning.learned(bounded, labels)
    laws = references.groupby("degradation")[["alpha", "sigma"]].mean().loc[degradations]
    membership = [[float(name in group) for name in degradations] for group in groups]
    return Rule(
        alpha=laws["alpha"].to_numpy(),
        sigma=laws["sigma"].to_numpy(),
        membership=np.array(membership),
        least=least,
        most=most,
        **vars(network),
        **vars(fitted),
        temperature=np.ones(1),
        gain_weights=np.zeros((1, len(fitted.means), len(fitted.centre))),
        gain_offset=np.zeros((1, len(fitted.means))),
        gain_spread=np.ones((1, len(fitted.means))),
        places=np.zeros((0, len(fitted.means))),
        errors=np.zeros((0, 1)),
        reach=np.ones(1),
        distance_quantiles=np.linspace(0, 1, QUANTILES.size),
        darkest_quantiles=np.linspace(0, 1, QUANTILES.size),
    )


def _labels(views: pd.DataFrame, groups: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """(N,) number of each view's class, that of clean the last."""
    classes = [*(name for group in groups for name in group), CLEAN]
    labels: NDArray[np.int64] = pd.Index(classes).get_indexer(views["degradation"])
    return labels


def held_out(views: pd.DataFrame) -> pd.Series:
    """Which views calibrate: all of every fifth `photograph`."""
    return views["photograph"] % FOLDS == FOLDS - 1


def predict(rule: Rule, references: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """The rule with its prediction of gains: a ridge regression for each model and class.

    Args:
        rule: as fitted.
        references: `degradation`, `vector`, and `gains_db`, (M,), of the groups' models and of the
            mix of all.
        groups: as for `fit`.
    """
    vectors = rule.bounded(np.stack(references["vector"]))
    points = rule.discriminant.whitened(vectors)
    gains, labels = np.stack(references["gains_db"]), _labels(references, groups)
    fits = [
        [_ridge(points[labels == label], own[labels == label]) for label in range(len(rule.means))]
        for own in gains.T
    ]
    return replace(
        rule,
        gain_weights=np.array([[weights for weights, _, _ in model] for model in fits]),
        gain_offset=np.array([[offset for _, offset, _ in model] for model in fits]),
        gain_spread=np.array([[spread for _, _, spread in model] for model in fits]),
    )


def calibrate(rule: Rule, views: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """The rule with limits: as sure as it is right, with errors to take intervals from.

    Args:
        rule: as fitted, with its prediction of gains.
        views: rows that took no part in the fit, as for `predict`; intervals come from those whose
            gains were measured.
        groups: as for `fit`.
    """
    vectors, labels = np.stack(views["vector"]), _labels(views, groups)
    scores = rule.scores(vectors) * rule.temperature

    def surprise(temperature: float) -> float:
        """Mean negative logarithm of the probability of the true class."""
        told = log_softmax(scores / temperature, axis=1)
        return -float(told[np.arange(len(labels)), labels].mean())

    rule = replace(rule, temperature=np.array([min(TEMPERATURES, key=surprise)]))
    told = views["gains_db"].notna().to_numpy()
    expected, spread = rule.gains(vectors[told])
    places = rule.place(vectors[told])
    return replace(
        rule,
        places=places,
        errors=(np.stack(views["gains_db"][told]) - expected) / spread,
        reach=np.array([conformal.reach(places, COVERAGE, PROMISED)]),
        distance_quantiles=np.quantile(rule.distance(vectors), QUANTILES),
        darkest_quantiles=np.quantile(views["darkest"], QUANTILES),
    )


def _ridge(points: Floats, targets: Floats) -> tuple[Floats, float, float]:
    """Weights and offset of the ridge regression whose penalty leaves the least error, and that.

    The error of each example by the others is known in closed form (Golub, Heath and Wahba, 1979).
    """
    centre, level = points.mean(axis=0), targets.mean()
    left, values, right = np.linalg.svd(points - centre, full_matrices=False)
    projected = left.T @ (targets - level)

    def weights_and_error(penalty: float) -> tuple[Floats, float]:
        shrink = values**2 / (values**2 + penalty * len(points))
        residuals = targets - level - left @ (shrink * projected)
        leverages = 1 / len(points) + np.square(left) @ shrink
        error = np.square(residuals / (1 - leverages)).mean()
        return right.T @ (shrink * projected / np.maximum(values, FLOOR)), error

    weights, error = min(map(weights_and_error, PENALTIES), key=lambda pair: pair[1])
    return weights, float(level - centre @ weights), max(LEAST_DB, float(np.sqrt(error)))
