"""How well the choice among the groups does: decisions for described cases, joined with gains."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.selection.decision import UNUSUAL
from grids.selection.rule import Rule

NEIGHBOURS = 5


def decisions(
    cases: pd.DataFrame,
    rule: Rule,
    groups: Mapping[str, Sequence[str]],
    gains: Mapping[str, pd.Series],
) -> pd.DataFrame:
    """What is decided for each case, and what each model would give.

    Args:
        cases: one row a case: `photograph`, `kind`, `degradation`, `parameters`, `vector`, and
            `alpha` and `sigma` where the paper's rule is to decide.
        rule: what was fitted.
        groups: the degradations of each group by its name, in the order of the rule's groups.
        gains: of each group's model and of `mix`, the gain in dB of each case, NaN where it did not
            restore it.

    Returns:
        The cases' columns but for `vector`; `group`, the one that was trained for it, null if there
        is none; what the rules choose: `paper`, `discriminant`, and `nearest`, see below;
        `paper_distance`, `odds`, `distance`, `usualness` and `known`; of the discriminant's choice
        `predicted_gain_db` and `margin_db`; and `gain_db:NAME` of each model.
    """
    names = np.array([*groups], dtype=object)
    group_of = {name: group for group, members in groups.items() for name in members}
    vectors = np.stack(cases["vector"])
    has_law = cases["alpha"].notna().to_numpy()
    distances = rule.distances(cases["alpha"].to_numpy(), cases["sigma"].to_numpy())
    chosen = rule.probabilities(vectors).argmax(axis=1)
    odds, distance = rule.novelty(vectors)
    usualness = rule.usualness(vectors)
    predicted, margin = rule.gains(vectors, chosen)
    table = cases.drop(columns="vector").assign(
        group=cases["degradation"].map(group_of),
        paper=np.where(
            has_law, names[np.where(has_law[:, None], distances, 0).argmin(axis=1)], None
        ),
        discriminant=names[chosen],
        paper_distance=distances.min(axis=1),
        odds=odds,
        distance=distance,
        usualness=usualness,
        known=usualness >= UNUSUAL,
        predicted_gain_db=predicted,
        margin_db=margin,
        **{f"gain_db:{name}": gain.to_numpy() for name, gain in gains.items()},
    )
    return table.assign(nearest=nearest(table, rule.discriminant.coordinates(vectors)))


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
