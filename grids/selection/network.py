"""Small networks that tell classes apart, applied without torch: two hidden layers each.

Where classes differ in what they vary by, as noises do among blurs, one covariance for all of them
is not enough, and one for each needs more examples than there are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """M networks whose logits' mean is taken. Hidden units pass what is above 0.

    Attributes:
        first, first_offset: (M, D, H) and (M, 1, H) weights and offsets of the first hidden layer.
        second, second_offset: (M, H, K) and (M, 1, K) of the second.
        output, output_offset: (M, K, C) and (M, 1, C) of the classes.
    """

    first: Floats
    first_offset: Floats
    second: Floats
    second_offset: Floats
    output: Floats
    output_offset: Floats

    def logits(self, vectors: Floats) -> Floats:
        """(N, C) of vectors (N, D)."""
        units = np.maximum(vectors @ self.first + self.first_offset, 0)
        units = np.maximum(units @ self.second + self.second_offset, 0)
        logits: Floats = (units @ self.output + self.output_offset).mean(axis=0)
        return logits
