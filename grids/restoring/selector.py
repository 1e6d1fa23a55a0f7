"""The choice among the models of an export."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grids.bundle.contents import Bundle
from grids.selection import examples
from grids.selection.decision import MIN_GAIN_DB, Decision, RuleName
from grids.selection.describer import Describer
from grids.selection.plan import plan
from grids.selection.rule import Rule
from grids.selection.trial import Forward


class Selector:
    """Decides for photographs with what an export holds.

    Args:
        bundle: the export.
        network: the model of a group, or `mix`, ready to run.
        rule: how to choose, `discriminant` or `paper`.
        min_gain_db: less than that is not worth a change.
        most: steps that a photograph may take, 1 or more.
        describer: measures photographs with their laws, which the paper's rule goes by.
    """

    def __init__(
        self,
        bundle: Bundle,
        network: Callable[[str], Forward],
        rule: RuleName = "discriminant",
        min_gain_db: float = MIN_GAIN_DB,
        most: int = 1,
        describer: Describer | None = None,
    ):
        self._groups, self._name = bundle.groups, rule
        self._min_gain_db, self._most = min_gain_db, most
        self._rule, self._network = Rule.of(bundle.selector), network
        # The layer is that of laws.
        measured = {name: value for name, value in bundle.describing.items() if name != "layer"}
        self._describer = describer or Describer(**measured)
        self._examples = examples.read(bundle.examples) if bundle.examples else None

    def decide(self, image: NDArray[np.uint8]) -> tuple[Decision, ...]:
        """The decisions for an RGB photograph (height, width, 3), uint8: one for each step.

        Raises:
            InputError: it is too small to be judged, or the same all over.
        """
        # The law takes most of the time, and only the paper's rule goes by it.
        return plan(
            image,
            self._describer(image, law=self._name == "paper"),
            self._describer,
            self._rule,
            self._groups,
            self._network,
            self._name,
            self._min_gain_db,
            most=self._most,
        )

    def nearest(self, image: NDArray[np.uint8]) -> list[tuple[str, NDArray[np.uint8]]]:
        """Class and picture of the examples that are most like a photograph, if there are any.

        Raises:
            InputError: it is too small to be judged, or the same all over.
        """
        if self._examples is None:
            return []
        return self._examples.nearest(self._rule, self._describer(image).vector)
