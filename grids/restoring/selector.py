"""The choice among the models of an export."""

import numpy as np
from numpy.typing import NDArray

from grids.bundle.contents import Bundle
from grids.selection.decision import Decision, RuleName, decide
from grids.selection.describer import Describer
from grids.selection.rule import Rule


class Selector:
    """Decides for photographs with what an export holds.

    Args:
        bundle: the export.
        describer: measures photographs with its descriptor.
        rule: how to choose, `discriminant` or `paper`.
    """

    def __init__(self, bundle: Bundle, describer: Describer, rule: RuleName = "discriminant"):
        self._groups, self._name = bundle.groups, rule
        self._rule, self._describe = Rule.of(bundle.selector), describer

    def decide(self, image: NDArray[np.uint8]) -> Decision:
        """The decision for an RGB photograph (height, width, 3), uint8.

        Raises:
            InputError: it is too small to be judged, or the same all over.
        """
        return decide(self._rule, self._groups, self._describe(image), self._name)
