"""What selection knows of one photograph: what its pixels tell, and the law of its deep features.

The patches of one photograph ("self-augmentation", GRIDS, Section 5.2) give a vector (see
`grids.selection.pixel_statistics`). Their deepest features in the descriptor give the generalized
Gaussian of the paper (`grids.selection.describer`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Statistics:
    """Attributes:
    vector: (D,) logarithms and correlations, float64.
    darkest: value of 0 … 1 that hardly a pixel is below.
    alpha, sigma: law of the principal-component scores of the photograph's patches; NaN where
        it was not asked for.
    """

    vector: NDArray[np.float64]
    darkest: float
    alpha: float
    sigma: float
