"""Fitting what decisions are made from: references, prediction of gains, calibration.

Three sets of single photographs ("views") with no photograph in common: references fit, held-out
ones calibrate, test sets judge.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.selection import discriminant
from grids.selection.fitting.views import CLEAN
from grids.selection.rule import Rule

COVERAGE = 0.9
QUANTILES = np.linspace(0, 1, 1001)
# Of the ridge regression, in units of the whitened statistics' variance.
PENALTIES = tuple(np.geomspace(0.01, 100, 13))
FLOOR = 1e-12
FEW = 5
# One photograph in so many calibrates.
FOLDS = 5
# Views of each degradation that gains are measured on: a restoration takes longer than a look.
GAIN_VIEWS = 100

Floats = NDArray[np.float64]


def fitted(
    views: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    with_gains: Callable[[pd.DataFrame, str], pd.DataFrame],
) -> tuple[Rule, pd.DataFrame]:
    """The whole way from views to a rule that chooses, predicts and knows its limits.

    Args:
        views: as `fit` takes references, with `number` and `photograph` of each.
        groups: the degradations of each group.
        with_gains: adds `gain_db` of each view's `group` (its number); told what for.

    Returns:
        The rule, and the held-out views with their gains that set its limits.
    """
    out = held_out(views)
    references = views[~out]
    rule = fit(references, groups)
    rule = predict(rule, with_gains(for_prediction(references, groups), "gains to fit"), groups)
    judged = with_gains(for_calibration(rule, views[out]), "gains to calibrate")
    return calibrate(rule, judged), judged


def fit(references: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """A rule that chooses; it predicts nothing yet, and its limits are 1.

    Args:
        references: one row a view: `degradation` (`clean` among them), `vector`, and `alpha` and
            `sigma` where the law was measured.
        groups: the degradations of each group.
    """
    degradations = [name for group in groups for name in group]
    labels = pd.Index([*degradations, CLEAN]).get_indexer(references["degradation"])
    vectors = np.stack(references["vector"])
    fitted = discriminant.fit(vectors, labels)
    laws = references.groupby("degradation")[["alpha", "sigma"]].mean().loc[degradations]
    membership = [[float(name in group) for name in degradations] for group in groups]
    return Rule(
        alpha=laws["alpha"].to_numpy(),
        sigma=laws["sigma"].to_numpy(),
        membership=np.array(membership),
        centre=fitted.centre,
        whitening=fitted.whitening,
        means=fitted.means,
        gain_weights=np.zeros((len(degradations), len(fitted.centre))),
        gain_offset=np.zeros(len(degradations)),
        margin_db=np.ones(len(degradations)),
        odds_quantiles=np.linspace(-1, 1, QUANTILES.size),
        distance_quantiles=np.linspace(0, 1, QUANTILES.size),
    )


def for_prediction(
    references: pd.DataFrame, groups: Sequence[Sequence[str]], count: int = GAIN_VIEWS
) -> pd.DataFrame:
    """The references whose gains are worth measuring, with the number of their `group`."""
    number_of = {name: number for number, group in enumerate(groups) for name in group}
    grouped = references.assign(group=references["degradation"].map(number_of))
    return grouped[grouped["group"].notna() & (grouped["number"] < count)]


def held_out(views: pd.DataFrame) -> pd.Series:
    """Which views calibrate: all of every fifth `photograph`."""
    return views["photograph"] % FOLDS == FOLDS - 1


def for_calibration(rule: Rule, views: pd.DataFrame) -> pd.DataFrame:
    """The damaged views with the number of the `group` that the rule chooses, right or wrong."""
    damaged = views[views["degradation"] != CLEAN]
    chosen = rule.probabilities(np.stack(damaged["vector"])).argmax(axis=1)
    return damaged.assign(group=chosen)


def predict(rule: Rule, references: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """The rule with its prediction of gains: a ridge regression for each degradation.

    Args:
        rule: as fitted.
        references: `degradation`, `vector`, and `gain_db` of the model of the degradation's group,
            NaN where nothing was damaged.
        groups: as for `fit`.
    """
    references = references.dropna(subset="gain_db")
    points = rule.discriminant.whitened(np.stack(references["vector"]))
    gains, labels = references["gain_db"].to_numpy(), references["degradation"].to_numpy()
    fits = [
        _ridge(points[labels == name], gains[labels == name]) for group in groups for name in group
    ]
    return replace(
        rule,
        gain_weights=np.stack([weights for weights, _ in fits]),
        gain_offset=np.array([offset for _, offset in fits]),
    )


def calibrate(rule: Rule, views: pd.DataFrame, coverage: float = COVERAGE) -> Rule:
    """The rule with margins and quantiles so that `coverage` of such views lie within.

    Split conformal prediction (Vovk et al.; Lei et al., 2018) with errors in units of the mean
    error where the same degradation is the likeliest, so that each has its own margin and all
    views together tell the quantile.

    Args:
        rule: as fitted.
        views: rows of known degradations that took no part in the fit: `vector`, the number of the
            `group` that the rule chooses, and `gain_db` of its model.
        coverage: share that lies within.
    """
    views = views.dropna(subset="gain_db")
    vectors, group = np.stack(views["vector"]), views["group"].to_numpy()
    numbers = np.arange(rule.membership.shape[1])
    # As margins, the numbers of the degradations tell which one is the likeliest.
    predicted, told = replace(rule, margin_db=numbers.astype(np.float64)).gains(vectors, group)
    likeliest = told.astype(np.int64)
    errors = np.abs(views["gain_db"].to_numpy() - predicted)
    scales = (
        np.array(
            # Few views tell no mean: that of all serves.
            [
                own.mean() if len(own) >= FEW else errors.mean()
                for own in (errors[likeliest == number] for number in numbers)
            ]
        )
        + FLOOR
    )
    odds, distances = rule.novelty(vectors)
    return replace(
        rule,
        margin_db=scales * quantile(errors / scales[likeliest], coverage),
        odds_quantiles=np.quantile(odds, QUANTILES),
        distance_quantiles=np.quantile(distances, QUANTILES),
    )


def quantile(values: Floats, coverage: float) -> float:
    """The ⌈(n + 1)·coverage⌉-th smallest of n values: a further one lies below with `coverage`.

    The largest where that is more than n.
    """
    rank = min(len(values), int(np.ceil((len(values) + 1) * coverage)))
    return float(np.sort(values)[rank - 1])


def _ridge(points: Floats, targets: Floats) -> tuple[Floats, float]:
    """Weights and offset of the ridge regression whose penalty leaves the least error out.

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

    weights, _ = min(map(weights_and_error, PENALTIES), key=lambda pair: pair[1])
    return weights, float(level - centre @ weights)
