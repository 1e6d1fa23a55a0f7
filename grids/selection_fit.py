"""Fitting what decisions are made from: references, prediction of gains, calibration.

Three sets of single photographs ("views") with nothing in common: references fit, calibration views
set the margins, test sets judge.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids import discriminant
from grids.selection import Rule

CLEAN = "clean"
COVERAGE = 0.9
RIDGE = 10.0

Floats = NDArray[np.float64]


def fit(references: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Rule:
    """A rule without calibration: margins and the limit of novelty are 1.

    Args:
        references: one row a view: `degradation` (`clean` among them), `vector`, `alpha`, `sigma`,
            and `gain_db` of the model of its group (ignored for `clean`).
        groups: the degradations of each group.
    """
    degradations = [name for group in groups for name in group]
    classes = pd.Index([*degradations, CLEAN])
    labels = classes.get_indexer(references["degradation"])
    vectors = np.stack(references["vector"])
    fitted = discriminant.fit(vectors, labels)
    laws = references.groupby("degradation")[["alpha", "sigma"]].mean().loc[degradations]
    membership = np.array([[float(name in group) for name in degradations] for group in groups])
    points = fitted.whitened(vectors)
    predictors = [
        _ridge(points[chosen], references.loc[chosen, "gain_db"].to_numpy())
        for chosen in (references["degradation"].isin(group).to_numpy() for group in groups)
    ]
    return Rule(
        alpha=laws["alpha"].to_numpy(),
        sigma=laws["sigma"].to_numpy(),
        membership=membership,
        centre=fitted.centre,
        whitening=fitted.whitening,
        means=fitted.means,
        gain_weights=np.stack([weights for weights, _ in predictors]),
        gain_offset=np.array([offset for _, offset in predictors]),
        margin_db=np.ones(len(groups)),
        novelty_limit=np.ones(()),
    )


def calibrate(rule: Rule, views: pd.DataFrame, coverage: float = COVERAGE) -> Rule:
    """The rule with margins and limit so that `coverage` of such views lie within.

    Split conformal prediction (Vovk et al.; Lei et al., 2018), for each chosen group by itself.

    Args:
        rule: as fitted.
        views: rows of known degradations that took no part in the fit: `vector`, and `gain_db` of
            the model that the rule chooses for it.
        coverage: share that lies within.
    """
    vectors = np.stack(views["vector"])
    chosen = rule.probabilities(vectors).argmax(axis=1)
    errors = np.abs(
        views["gain_db"].to_numpy() - rule.gains(vectors)[np.arange(len(views)), chosen]
    )
    overall = quantile(errors, coverage)
    margins = [
        # Few views of a group tell no quantile: that of all serves.
        quantile(own, coverage) if len(own) * (1 - coverage) >= 1 else overall
        for own in (errors[chosen == group] for group in range(len(rule.membership)))
    ]
    novelty = rule.novelty(vectors) * rule.novelty_limit
    return replace(
        rule,
        margin_db=np.array(margins),
        novelty_limit=np.array(quantile(novelty, 0.95)),
    )


def quantile(values: Floats, coverage: float) -> float:
    """The ⌈(n + 1)·coverage⌉-th smallest of n values: a further one lies below with `coverage`.

    The largest where that is more than n.
    """
    rank = min(len(values), int(np.ceil((len(values) + 1) * coverage)))
    return float(np.sort(values)[rank - 1])


def _ridge(points: Floats, targets: Floats) -> tuple[Floats, float]:
    centre, level = points.mean(axis=0), targets.mean()
    centred = points - centre
    covariance = centred.T @ centred + RIDGE * len(points) * np.eye(points.shape[1])
    weights = np.linalg.solve(covariance, centred.T @ (targets - level))
    return weights, float(level - centre @ weights)
