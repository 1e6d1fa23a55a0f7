"""Single photographs as selection meets them: parts of many sizes, each damaged in one way."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grids.base import randomness
from grids.degrading import around, operators
from grids.degrading.around import Pixels
from grids.degrading.names import CLEAN
from grids.images.patches import SMALLEST
from grids.pixels.arrays import to_bytes, to_tensor
from grids.selection.fitting import pictures
from grids.selection.fitting.pictures import Shares

SIDES = (96, 512)


@dataclass(frozen=True)
class View:
    """A part of a photograph.

    Attributes:
        number: of the view in its set.
        photograph: number of the photograph.
        clean, degraded: (height, width, 3) uint8.
        drawn: whether it was drawn on, or is of a drawing.
    """

    number: int
    photograph: int
    clean: Pixels
    degraded: Pixels
    drawn: bool = False


def views(
    photographs: Sequence[Pixels],
    identities: Sequence[str],
    sources: Sequence[str],
    degradation: str,
    parameters: dict[str, Any],
    shares: Shares,
    numbers: Sequence[int],
    seed: int,
) -> Iterator[View]:
    """Views under a degradation; the photographs take turns, as `turns` has them.

    What a view shows depends on its photograph's content, its turn, the degradation, the shares and
    the seed.

    Args:
        photographs: (height, width, 3) uint8 arrays.
        identities: names the content of each photograph in the keys of randomness.
        sources: of each photograph where it is from.
        degradation: a module's name, or that of a chain, `two` among them; or `clean` for none.
        parameters: its numbers or ranges.
        shares: how many of them are grey, reduced and so on.
        numbers: which views.
        seed: seed of the parts and of what is random in the degradation.
    """
    order = turns(sources, max(numbers, default=-1) + 1)
    for number in numbers:
        photograph, turn = order[number]
        key = randomness.key(seed, "views", degradation, identities[photograph], turn)
        kind = pictures.drawn(shares, randomness.generator(randomness.key(key, "kind")))
        source = pictures.source(photographs[photograph], kind)
        clean = part(source, randomness.generator(key))
        if kind.grey:
            clean = around.grey(clean)
        values = parameters
        if kind.wide and degradation != CLEAN:
            widely = randomness.generator(randomness.key(key, "wide"))
            values = pictures.wide(degradation, parameters, widely)
        degraded = damaged(clean, degradation, values, key)
        if kind.grey and kind.alike:
            degraded = around.alike(degraded)
        if kind.saved:
            degraded = around.as_file(degraded, *kind.saved)
            if degradation == CLEAN:
                # What an undamaged picture was before it became a file is nothing to restore.
                clean = degraded
        # Not below what can be judged.
        top, left = (
            min(cut, length - SMALLEST)
            for cut, length in zip(kind.cropped, clean.shape[:2], strict=True)
        )
        clean, degraded = clean[top:, left:], degraded[top:, left:]
        yield View(number, photograph, clean, degraded, kind.drawn is not None)


def sources_of(paths: Iterable[str]) -> list[str]:
    """Where each photograph is from: the first folder of its path below that of the set, if any."""
    return [path.partition("/")[0] if "/" in path else "" for path in paths]


def turns(sources: Sequence[str], count: int) -> list[tuple[int, int]]:
    """Which photograph each of the first `count` views shows, and how often it was shown before.

    Sources take turns, each as often as the square root of how many photographs it has, and in
    each its photographs: fifteen sharp ones beside four hundred from elsewhere tell of another
    kind of picture, and would hardly be seen if all took turns alike.

    Args:
        sources: of each photograph where it is from.
        count: number of views.
    """
    photographs: dict[str, list[int]] = {}
    for number, source in enumerate(sources):
        photographs.setdefault(source, []).append(number)
    shares = {source: math.sqrt(len(own)) for source, own in photographs.items()}
    shown = dict.fromkeys(photographs, 0)
    order = []
    for _ in range(count):
        # As seats are shared out by Sainte-Laguë's method, which spreads those of small sources.
        source = min(photographs, key=lambda name: (2 * shown[name] + 1) / shares[name])
        turn, place = divmod(shown[source], len(photographs[source]))
        shown[source] += 1
        order.append((photographs[source][place], turn))
    return order


def part(photograph: Pixels, generator: np.random.Generator) -> Pixels:
    """A random part with the photograph's aspect, between 96 and 512 pixels as far as it has them.

    The shorter side is at least 96, the longer at most 512 pixels.
    """
    height, width = photograph.shape[:2]
    least = min(1.0, SIDES[0] / min(height, width))
    share = generator.uniform(least, max(least, min(1.0, SIDES[1] / max(height, width))))
    rows, columns = round(share * height), round(share * width)
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    return np.ascontiguousarray(photograph[top : top + rows, left : left + columns])


def damaged(clean: Pixels, degradation: str, parameters: dict[str, Any], key: int) -> Pixels:
    """A photograph under a degradation by the draws of a key; `clean` leaves it as it is."""
    if degradation == CLEAN:
        return clean
    images = operators.degrade(degradation, to_tensor(clean)[None], parameters, [key])
    pixels: Pixels = to_bytes(images)[0]
    return pixels
