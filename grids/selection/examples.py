"""Views that a choice was fitted to, as small pictures: which of them a photograph is most like."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.selection import selector_file
from grids.selection.rule import Floats, Rule

# Side of the pictures: the least that can be judged.
SIDE = 64
NEAREST = 3


@dataclass(frozen=True)
class Examples:
    """Attributes:
    classes: the degradations, and `clean`.
    labels: (N,) number of each view's class.
    vectors: (N, D) statistics of the views, float32.
    pictures: (N, 64, 64, 3) uint8, from their middle.
    """

    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    vectors: NDArray[np.float32]
    pictures: NDArray[np.uint8]

    def nearest(self, rule: Rule, vector: Floats) -> list[tuple[str, NDArray[np.uint8]]]:
        """Class and picture of the three views that are most like a photograph, the nearest first.

        Args:
            rule: what was fitted; how alike two are is said by what tells its classes apart.
            vector: (D,) statistics of the photograph.
        """
        both = rule.bounded(np.concatenate([vector[None], self.vectors.astype(np.float64)]))
        point, *places = rule.discriminant.coordinates(both)
        order = np.square(np.array(places) - point).sum(axis=1).argsort(kind="stable")
        return [
            (self.classes[self.labels[number]], self.pictures[number]) for number in order[:NEAREST]
        ]


def save(path: Path, examples: Examples) -> None:
    arrays: dict[str, Any] = {
        "labels": examples.labels,
        "vectors": examples.vectors,
        "pictures": examples.pictures,
    }
    selector_file.save(path, arrays, {"classes": examples.classes})


def read(path: Path) -> Examples:
    """The views of a file.

    Raises:
        InputError: the file is missing or broken.
    """
    read, about = selector_file.read(path)
    arrays: dict[str, Any] = {**read}
    return Examples(tuple(about["classes"]), **arrays)
