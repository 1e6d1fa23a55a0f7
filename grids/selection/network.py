"""A small network that tells classes apart, applied without torch: one hidden layer.

Where classes differ in what they vary by, as noises do among blurs, one covariance for all of them
is not enough, and one for each needs more examples than there are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Attributes:
    hidden: (D, H) weights of the hidden units, which pass what is above 0.
    hidden_offset: (H,).
    output: (H, C) weights of the classes.
    output_offset: (C,).
    """

    hidden: Floats
    hidden_offset: Floats
    output: Floats
    output_offset: Floats

    def logits(self, vectors: Floats) -> Floats:
        """(N, C) of vectors (N, D)."""
        units = np.maximum(vectors @ self.hidden + self.hidden_offset, 0)
        logits: Floats = units @ self.output + self.output_offset
        return logits
