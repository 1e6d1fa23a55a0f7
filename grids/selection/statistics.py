"""What selection knows of one photograph: the law of its deep features, and their channels' spread.

The patches of one photograph ("self-augmentation", GRIDS, Section 5.2) go through the descriptor
once (`grids.selection.describer`). Its deepest features give the generalized Gaussian of the paper.
On their way through the residual trunk the channels give a vector: for each channel of some blocks
the logarithm of its standard deviation, and the logarithm of the ratio of moments that determines
the shape of a generalized Gaussian. Both are taken about the mean of each patch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Statistics:
    """Attributes:
    vector: (D,) logarithms of spreads and moment ratios, float64.
    alpha, sigma: law of the principal-component scores of the photograph's patches; NaN where
        it was not asked for.
    """

    vector: NDArray[np.float64]
    alpha: float
    sigma: float
