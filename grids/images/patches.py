"""Patches of one photograph: a grid that covers it evenly, and the photograph inside a frame."""

import numpy as np

from grids.base.errors import InputError

SIZE = 32
# Side of JPEG's blocks.
BLOCK = 8
# The shorter side of the smallest photograph that is judged by its patches.
SMALLEST = 2 * SIZE
# A line of a frame is of one colour, but for so many values of 255.
EVEN = 3
# Blocks of halved colours in a JPEG file. An edge shows in all of its block, and in a pixel more.
NEAR = 2 * BLOCK


def inside(image: np.ndarray) -> np.ndarray:
    """A photograph without what frames it: margins, borders and bars of one colour each.

    It begins on blocks that a JPEG file has. Where less would be left than can be judged, nothing
    is a frame.

    Args:
        image: (height, width, 3), uint8.
    """
    rows, columns = [0, image.shape[0]], [0, image.shape[1]]
    before = None
    # Within a margin there may be a line, and within that another margin.
    while before != (before := (*rows, *columns)):
        _narrow(rows, image[:, slice(*columns)])
        _narrow(columns, image[slice(*rows)].swapaxes(0, 1))
    # Less the blocks that the edges lie in.
    (top, bottom), (left, right) = (
        (
            ((start + 1) // NEAR + 1) * NEAR if start else 0,
            (end - 2) // NEAR * NEAR if end < length else length,
        )
        for (start, end), length in zip((rows, columns), image.shape, strict=False)
    )
    within = image[top:bottom, left:right]
    return within if min(within.shape[:2]) >= SMALLEST else image


def _narrow(side: list[int], lines: np.ndarray) -> None:
    """Moves both ends inwards, past lines that are of one colour."""
    while side[1] - side[0] > SMALLEST and np.ptp(lines[side[0]], axis=0).max() <= EVEN:
        side[0] += 1
    while side[1] - side[0] > SMALLEST and np.ptp(lines[side[1] - 1], axis=0).max() <= EVEN:
        side[1] -= 1


def grid(image: np.ndarray, count: int, sides: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """`count` patches of a photograph, spread evenly in rows and columns.

    The numbers of rows and columns are the divisors of `count` whose ratio is nearest to that of
    the sides. Patches of a small photograph overlap, and of one that has fewer places are repeated.

    Args:
        image: (height, width, 3).
        count: number of patches; one with many divisors suits all shapes.
        sides: height and width of a patch, no larger than the photograph's.

    Returns:
        (count, *sides, 3).

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
    tall, wide = sides
    tops, lefts = _corners(height - tall, rows), _corners(width - wide, count // rows)
    return np.stack([image[y : y + tall, x : x + wide] for y in tops for x in lefts])


def _corners(last: int, count: int) -> np.ndarray:
    """Where patches begin on a side: evenly, but on the blocks that a JPEG file has from there."""
    return (np.linspace(0, last, count) // BLOCK * BLOCK).astype(int)
