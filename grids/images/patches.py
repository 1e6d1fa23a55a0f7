"""Patches of one photograph: a grid that covers it evenly."""

import numpy as np

from grids.base.errors import InputError

SIZE = 32
# Side of JPEG's blocks.
BLOCK = 8
# The shorter side of the smallest photograph that is judged by its patches.
SMALLEST = 2 * SIZE


def grid(image: np.ndarray, count: int, size: int = SIZE) -> np.ndarray:
    """`count` patches of a photograph, spread evenly in rows and columns.

    The numbers of rows and columns are the divisors of `count` whose ratio is nearest to that of
    the sides. Patches of a small photograph overlap.

    Args:
        image: (height, width, 3).
        count: number of patches; one with many divisors suits all shapes.
        size: of a side, no larger than the photograph's.

    Returns:
        (count, size, size, 3).

    Raises:
        InputError: the photograph is too small to be judged.
    """
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST:
        raise InputError(
            f"{width}×{height} pixels, but the smallest side that can be judged is {SMALLEST}"
        )
    divisors = [rows for rows in range(1, count + 1) if count % rows == 0]
    aspect = np.log(height / width)
    rows = min(divisors, key=lambda n: abs(np.log(n * n / count) - aspect))
    tops, lefts = _corners(height - size, rows), _corners(width - size, count // rows)
    return np.stack([image[y : y + size, x : x + size] for y in tops for x in lefts])


def _corners(last: int, count: int) -> np.ndarray:
    """Where patches begin on a side: evenly, but on the blocks that a JPEG file has from there."""
    return (np.linspace(0, last, count) // BLOCK * BLOCK).astype(int)
