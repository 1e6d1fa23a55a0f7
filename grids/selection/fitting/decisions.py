"""How well the choice among the groups does: decisions for described cases, joined with gains."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.selection.decision import MIX, choose, verdicts
from grids.selection.rule import Rule

NEIGHBOURS = 5


def decisions(
    cases: pd.DataFrame,
    rule: Rule,
    groups: Mapping[str, Sequence[str]],
    gains: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """What is decided for each case, and what each model would give.

    Args:
        cases: one row a case: `photograph`, `kind`, `degradation`, `parameters`, `vector`,
            `darkest`, and `alpha` and `sigma` where the paper's rule is to decide.
        rule: what was fitted.
        groups: the degradations of each group by its name, in the order of the rule's groups.
        gains: of each group's model and of `mix`, a row for each case: `gain_db`, NaN where it did
            not restore it, and `trial` (see `grids.selection.trial`).

    Returns:
        The cases' columns but for `vector`; `group`, the one that was trained for it, null if there
        is none; the groups that the rules choose: `paper`, `discriminant`, `nearest` (see below);
        the `model` that would restore it, which may be another, and the `verdict` whether it does;
        `paper_distance`, `odds`, `distance` and `usualness`; of the model `predicted_gain_db`,
        `low_db` and `high_db`, as of one step (see `grids.selection.plan`); and `gain_db:NAME` of
        each model.
    """
    names = np.array([*groups, MIX], dtype=object)
    group_of = {name: group for group, members in groups.items() for name in members}
    vectors, each = np.stack(cases["vector"]), np.arange(len(cases))
    has_law = cases["alpha"].notna().to_numpy()
    distances = rule.distances(cases["alpha"].to_numpy(), cases["sigma"].to_numpy())
    likeliest = rule.probabilities(vectors).argmax(axis=1)
    by_model = np.stack([np.stack(gains[name]["trial"]) for name in names])
    models, chosen, forecast = choose(
        rule, vectors, likeliest, lambda rows, numbers: by_model[numbers, rows]
    )
    usualness = rule.usualness(vectors, cases["darkest"].to_numpy())
    table = cases.drop(columns="vector").assign(
        group=cases["degradation"].map(group_of),
        paper=np.where(
            has_law, names[np.where(has_law[:, None], distances, 0).argmin(axis=1)], None
        ),
        discriminant=names[likeliest],
        model=names[models[each, chosen]],
        verdict=verdicts(usualness, forecast.counted_on[each, chosen]),
        paper_distance=distances.min(axis=1),
        odds=rule.odds(vectors),
        distance=rule.distance(vectors),
        usualness=usualness,
        predicted_gain_db=forecast.expected[each, chosen],
        low_db=forecast.low[each, chosen],
        high_db=forecast.high[each, chosen],
        **{f"gain_db:{name}": own["gain_db"].to_numpy() for name, own in gains.items()},
    )
    points = rule.discriminant.coordinates(rule.bounded(vectors))
    return table.assign(nearest=nearest(table, points))


def nearest(cases: pd.DataFrame, points: NDArray[np.float64]) -> pd.Series:
    """Group of most of the nearest cases of the same kind that show other photographs.

    For comparison: the test set itself is the reference, so no change of photographs comes between.

    Args:
        cases: `photograph`, `kind` and `group` (null: no case to choose for, nor a neighbour).
        points: (N, K) their statistics, in coordinates that tell degradations apart.
    """
    found = pd.Series(None, cases.index, dtype=object)
    for _, kind in cases[cases["group"].notna()].groupby("kind"):
        places = points[cases.index.get_indexer(kind.index)]
        photographs, groups = kind["photograph"].to_numpy(), kind["group"].to_numpy()
        if len(set(photographs)) == 1:
            continue
        for number, index in enumerate(kind.index):
            away = np.square(places - places[number]).sum(axis=1)
            away[photographs == photographs[number]] = np.inf
            near = pd.Series(groups[np.argsort(away)[:NEIGHBOURS]])
            # In order of nearness: of equally many the nearest wins.
            found[index] = near.value_counts(sort=False).idxmax()
    return found
