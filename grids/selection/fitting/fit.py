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

from grids.degrading.names import CLEAN, TWO
from grids.selection import conformal, discriminant, regression
from grids.selection.fitting import learning
from grids.selection.regression import Regression
from grids.selection.rule import BOUND, COVERAGE, Rule, known, standard

QUANTILES = np.linspace(0, 1, 1001)
# Of the regression of gains: of examples' likeness, and how far it reaches, in standard deviations.
PENALTIES = tuple(np.geomspace(0.003, 1, 6))
WIDTHS = tuple(np.geomspace(2, 20, 7))
# How far errors tell of the spread, likewise.
REACHES = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
TEMPERATURES = np.geomspace(0.1, 100, 100)
FLOOR = 1e-9
# Below this, errors of gains are those of rounding to 8 bits.
LEAST_DB = 0.02
# One photograph in so many calibrates.
FOLDS = 5
REAL_FOLDS = 2
# A larger loss counts as one of so many dB: it is one. What undamaged drawings lose, up to 40 dB,
# would widen the intervals of all that is taken for as damaged.
WORST_DB = -6.0
# For this share of the calibration's views there is an interval.
PROMISED = 0.99

Floats = NDArray[np.float64]


def fitted(
    views: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    restored: int,
    with_gains: Callable[[pd.DataFrame], pd.DataFrame],
) -> tuple[Rule, pd.DataFrame]:
    """The whole way from views to a rule that chooses, predicts and knows its limits.

    Args:
        views: as `fit` takes references, with `number`, `photograph` and `source` of each, and
            without `part`. Those
            whose `degradation` no group has are under two (`TWO`), or of real damage: they tell of
            gains, and of no class.
        groups: the degradations of each group.
        restored: of each degradation the first so many views have their gains measured, to fit
            these and to set their intervals: a restoration takes longer than a look. Of undamaged
            pictures twice as many have, since to harm one is worst, and of those under two
            degradations, of which there are more kinds.
        with_gains: adds `gains_db` and `trials` of two models (see `predict`), by the number of the
            group that is likeliest for each view, in `likeliest`.

    Returns:
        The rule, and the held-out views that set its limits, those that were restored with their
        gains, of which none is below `WORST_DB`.
    """
    classed = _labels(views, groups) >= 0
    made = classed | (views["degradation"] == TWO).to_numpy()
    out, views = held_out(views, made), views.assign(part=parts(views, made))
    rule = fit(views[~out & classed], groups)
    rule = temper(rule, views[out & classed], groups)
    enough = np.where(views["degradation"].isin([CLEAN, TWO]), 2 * restored, restored)
    to_restore = views[views["number"] < enough]
    own = ~out[to_restore.index].to_numpy()
    places = rule.place(np.stack(to_restore["vector"]))
    places[own] = unseen_places(rule, to_restore[own])
    likeliest = rule.groups(np.square(places)).argmax(axis=1)
    measured = with_gains(to_restore.assign(likeliest=likeliest))
    bounded = [np.maximum(gains, WORST_DB) for gains in measured["gains_db"]]
    measured = measured.assign(gains_db=bounded)
    rule = predict(rule, measured[~out[measured.index]])
    judged = views[out].assign(gains_db=measured["gains_db"], trials=measured["trials"])
    return calibrate(rule, judged, groups), judged


def fit(references: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """A rule that chooses; it expects no gain yet, and has no limits.

    Args:
        references: one row a view: `degradation` (`clean` among them), `part` (see `parts`),
            `vector`, `darkest`, and `alpha` and `sigma` where the law was measured.
        groups: the degradations of each group.
    """
    degradations = [name for group in groups for name in group]
    vectors, labels = np.stack(references["vector"]), _labels(references, groups)
    centre, reach = vectors.mean(axis=0), BOUND * vectors.std(axis=0)
    least, most = centre - reach, centre + reach
    fitted = discriminant.fit(vectors.clip(least, most), labels)
    unseen = references["part"].to_numpy(np.int64, copy=True)
    network = learning.learned(standard(vectors, least, most), labels, unseen)
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
        gain_centre=np.zeros(0),
        gain_scale=np.zeros(0),
        gain_points=np.zeros((0, 0)),
        gain_weights=np.zeros((0, 2)),
        gain_level=np.zeros(2),
        gain_width=np.ones(2),
        gain_errors=np.zeros((0, 2)),
        gain_reach=np.ones(2),
        places=np.zeros((0, len(fitted.means))),
        errors=np.zeros((0, 2)),
        reach=np.ones(1),
        level=np.array([COVERAGE]),
        distance_quantiles=np.linspace(0, 1, QUANTILES.size),
        darkest_quantiles=np.linspace(0, 1, QUANTILES.size),
    )


def _labels(views: pd.DataFrame, groups: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """(N,) number of each view's class, that of clean the last; −1 of those that have none."""
    classes = [*(name for group in groups for name in group), CLEAN]
    labels: NDArray[np.int64] = pd.Index(classes).get_indexer(views["degradation"])
    return labels


def parts(views: pd.DataFrame, made: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,) number of the network that is not shown a view, nor any other of its photograph.

    Those that are shown take turns, as `held_out` takes them. Real damage is shown to none: −1.

    Args:
        views, made: as for `held_out`.
    """
    shown = (views["photograph"].where(made).rank(method="dense") - 1) % learning.MEMBERS
    numbers: NDArray[np.int64] = shown.fillna(-1).to_numpy(np.int64)
    return numbers


def unseen_places(rule: Rule, references: pd.DataFrame) -> Floats:
    """(N, C + 1) places of the views that a rule was fitted to, by networks that never saw them.

    Networks are surer of what they learned from than they will be of anything else (cross-fitting:
    Chernozhukov et al., 2018). One is tempered as all of them are, although it errs a little more.
    """
    vectors, members = np.stack(references["vector"]), references["part"].to_numpy()
    places = rule.place(vectors)
    for member in range(learning.MEMBERS):
        rows = members == member
        places[rows] = rule.of_member(member).place(vectors[rows])
    return places


def temper(rule: Rule, views: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """The rule as sure as it is right.

    Args:
        rule: as fitted.
        views: rows of known classes that took no part in the fit, as for `fit`.
        groups: as for `fit`.
    """
    classes = _labels(views, groups)
    scores = rule.scores(np.stack(views["vector"])) * rule.temperature

    def surprise(temperature: float) -> float:
        """Mean negative logarithm of the probability of the true class."""
        told = log_softmax(scores / temperature, axis=1)
        return -float(told[np.arange(len(classes)), classes].mean())

    return replace(rule, temperature=np.array([min(TEMPERATURES, key=surprise)]))


def held_out(views: pd.DataFrame, made: NDArray[np.bool_]) -> pd.Series:
    """Which views calibrate: all of every fifth photograph of those that are shown.

    Of real damage it is every second of each source: there are few, and without any of them
    intervals would tell of operators alone.

    Args:
        views: `photograph` and `source` of each.
        made: (N,) whether operators made its damage, if it has any.
    """
    whose = views["source"].where(~made, "")
    shown = views.groupby(whose)["photograph"].rank("dense") - 1
    folds = np.where(made, FOLDS, REAL_FOLDS)
    return shown % folds == folds - 1


def predict(rule: Rule, references: pd.DataFrame) -> Rule:
    """The rule with its prediction of gains.

    Args:
        rule: as fitted and tempered.
        references: what it was fitted to, others of these photographs, and real damage: `part` (see
            `parts`), `vector`, and of the model of each one's likeliest group and of the mix of all
            `gains_db`, (2,), and `trials`, (2, F) (see `grids.selection.trial`).
    """
    gains, trials = np.stack(references["gains_db"]), np.stack(references["trials"])
    found = _regression(known(unseen_places(rule, references), trials), gains)
    return replace(rule, **{f"gain_{name}": array for name, array in vars(found).items()})


def calibrate(rule: Rule, views: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """The rule with limits: with errors to take intervals from, and what is usual.

    Args:
        rule: as fitted and tempered, with its prediction of gains.
        views: rows that took no part in the fit, as for `fitted`, with `gains_db` and `trials` as
            for `predict` where gains were measured, from which intervals come.
        groups: as for `fit`.
    """
    vectors, classed = np.stack(views["vector"]), _labels(views, groups) >= 0
    told = views["gains_db"].notna().to_numpy()
    expected, spread = rule.gains(vectors[told], np.stack(views["trials"][told]))
    places = rule.place(vectors[told])
    errors = (np.stack(views["gains_db"][told]) - expected) / spread
    reach = conformal.reach(places, COVERAGE, PROMISED)
    sources, photographs = (
        views[told].groupby(by).ngroup().to_numpy() for by in ("source", ["source", "photograph"])
    )
    weights = conformal.likeness(places, places, reach)
    level = conformal.level(errors, weights, sources, photographs, COVERAGE)
    return replace(
        rule,
        places=places,
        errors=errors,
        reach=np.array([reach]),
        level=np.array([level]),
        distance_quantiles=np.quantile(rule.distance(vectors[classed]), QUANTILES),
        darkest_quantiles=np.nanquantile(views["darkest"][classed], QUANTILES),
    )


def _regression(known: Floats, targets: Floats) -> Regression:
    """The regression whose widths and penalties leave the least errors, for each target its own.

    The error of each example by the others is known in closed form (Golub, Heath and Wahba, 1979).

    Args:
        known: (N, K).
        targets: (N, M).
    """
    centre, scale, level = known.mean(axis=0), known.std(axis=0) + FLOOR, targets.mean(axis=0)
    # As the file of the choice has them: weights for others would magnify the difference.
    points = ((known - centre) / scale).astype(np.float16).astype(float)
    squared = conformal.squared_distances(points, points)
    least = np.full(len(level), np.inf)
    weights, errors, widths = np.empty_like(targets), np.empty_like(targets), np.empty_like(level)
    for width in WIDTHS:
        values, axes = np.linalg.eigh(conformal.by_distance(squared, width))
        turned, shares = axes.T @ (targets - level), np.square(axes)
        for penalty in PENALTIES:
            inverse = 1 / (values + penalty)
            found = axes @ (turned * inverse[:, None])
            left = found / (shares @ inverse)[:, None]
            mean = np.square(left).mean(axis=0)
            better = mean < least
            least[better] = mean[better]
            weights[:, better], errors[:, better] = found[:, better], left[:, better]
            widths[better] = width
    assert np.isfinite(least).all(), "gains are finite"
    errors = np.maximum(np.abs(errors), LEAST_DB)
    reach = [min(REACHES, key=lambda reach: _surprise(squared, own, reach)) for own in errors.T]
    return Regression(centre, scale, points, weights, level, widths, errors, np.array(reach))


def _surprise(squared: Floats, errors: Floats, reach: float) -> float:
    """How unlikely errors (N,) are by the spread of others as near as (N, N) squared distances."""
    weights = conformal.by_distance(squared, reach)
    np.fill_diagonal(weights, 0)
    expected = regression.spread(weights, errors)
    return float(np.mean(np.log(expected) + np.square(errors / expected) / 2))
