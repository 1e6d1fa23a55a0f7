"""Table of what is chosen for photographs of unknown damage, a row each."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from grids.base.errors import InputError
from grids.degrading.around import Pixels
from grids.selection.decision import MIX
from grids.selection.describer import Describer
from grids.selection.plan import plan
from grids.selection.rule import Rule
from grids.selection.trial import Forward


def of_photographs(
    photographs: Iterable[tuple[str, Pixels]],
    describer: Describer,
    rule: Rule,
    models: Mapping[str, Forward],
) -> pd.DataFrame:
    """What is decided for photographs of unknown damage; of one that cannot be judged, why.

    Args:
        photographs: name and pixels (height, width, 3), uint8, of each.
        describer: what measures them.
        rule: what was fitted.
        models: of the groups, in the order of the rule's, and of `mix`.
    """
    groups = tuple(name for name in models if name != MIX)
    rows = []
    for name, photograph in photographs:
        row: Mapping[str, Any]
        try:
            seen = describer(photograph, law=True)
            decision, *_ = plan(
                photograph, seen, describer, rule, groups, models.__getitem__, most=1
            )
        except InputError as error:
            row = {"reason": str(error)}
        else:
            low, high = decision.interval_db or (None, None)
            row = {
                "group": decision.group,
                "model": decision.model,
                "probability": decision.scores[decision.group],
                "distance": decision.distances[decision.group],
                "predicted_gain_db": decision.predicted_gain_db,
                "low_db": low,
                "high_db": high,
                "usualness": decision.usualness,
                "verdict": decision.verdict,
                "reason": decision.reason,
            }
        rows.append({"photograph": name, **row})
    return pd.DataFrame(rows)
