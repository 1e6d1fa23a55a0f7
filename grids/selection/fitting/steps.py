"""What becomes of cases that go through all the steps that are planned for them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import torch
from torch import nn

from grids.models import tiles
from grids.selection.decision import MIX
from grids.selection.describer import Describer
from grids.selection.fitting.cases import Case
from grids.selection.fitting.gains import gain_db, made_of, seen_db
from grids.selection.plan import STEPS, plan
from grids.selection.rule import Rule


class Steps:
    """Takes pictures through their steps.

    Args:
        describer: what measures them.
        rule: what was fitted.
        networks: restorers, in evaluation mode, on `device`: of the groups, in the order of the
            rule's, and of `mix`.
        device: where the networks are.
        precision: `fp32`, or `bf16` for products in bfloat16.
    """

    def __init__(
        self,
        describer: Describer,
        rule: Rule,
        networks: Mapping[str, nn.Module],
        device: torch.device,
        precision: str = "fp32",
    ):
        self._describer, self._rule, self._networks = describer, rule, networks
        self._on = device, precision
        self._forwards = {
            name: tiles.of_arrays(network, *self._on) for name, network in networks.items()
        }

    def of(self, case: Case) -> dict[str, Any]:
        """What becomes of a case, and of it by the mix alone.

        Returns:
            `verdict`; `low_db` and `high_db` of the gain that is promised, None where none is;
            `steps_db`, the gain in dB after each step that is taken, none where it is left or
            refused; and `mix_db`.
        """
        steps = plan(
            case.degraded,
            self._describer(case.degraded),
            self._describer,
            self._rule,
            tuple(name for name in self._networks if name != MIX),
            self._forwards.__getitem__,
            most=STEPS,
        )
        picture, before, gains = case.degraded, seen_db(case.clean, case.degraded), []
        for step in steps if steps[0].verdict == "restore" else ():
            picture = made_of(picture, self._networks[step.model], *self._on)
            gains.append(seen_db(case.clean, picture) - before)
        low, high = steps[0].interval_db or (None, None)
        return {
            "verdict": steps[0].verdict,
            "low_db": low,
            "high_db": high,
            "steps_db": gains,
            "mix_db": gain_db(self._networks[MIX], case.clean, case.degraded, *self._on),
        }

    def table(
        self, photographs: Iterable[tuple[str, Iterable[Case]]], kinds: Iterable[str]
    ) -> pd.DataFrame:
        """A row a case of these kinds: `photograph`, `kind`, `degradation`, and as `of` tells.

        Args:
            photographs: name of each, with its cases.
            kinds: of the cases that are taken through their steps.
        """
        wanted = {*kinds}
        rows = [
            {"photograph": name, "kind": case.kind, "degradation": case.degradation} | self.of(case)
            for name, cases in photographs
            for case in cases
            if case.kind in wanted
        ]
        told = ["verdict", "low_db", "high_db", "steps_db", "mix_db"]
        return pd.DataFrame(rows, columns=["photograph", "kind", "degradation", *told])
