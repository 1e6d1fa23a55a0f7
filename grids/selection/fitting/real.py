"""Photographs with real damage and clean partners, as the choice is fitted to them and judged."""

from collections.abc import Iterable, Iterator

from grids.base import randomness
from grids.images.store import Pairs
from grids.selection.fitting.cases import CROP, Case, middle
from grids.selection.fitting.views import View, part


def views(pairs: Pairs, numbers: Iterable[int], seed: int) -> Iterator[View]:
    """Parts of pairs at one place in both, as sensors and lenses left them; the pairs take turns.

    What a view shows depends on its pair's name, its turn and the seed.

    Args:
        pairs: the damaged and the clean photographs.
        numbers: which views.
        seed: seed of the parts.
    """
    for number in numbers:
        turn, pair = divmod(number, len(pairs.names))
        key = randomness.key(seed, "real views", pairs.names[pair], turn)
        clean, degraded = (
            part(own[pair], randomness.generator(key)) for own in (pairs.clean, pairs.degraded)
        )
        yield View(number, pair, clean, degraded)


def cases(pairs: Pairs, name: str) -> Iterator[tuple[str, Iterator[Case]]]:
    """The name of each pair, with its two cases: `real` is whole, `real_crop` 256×256 of it.

    Args:
        pairs: the damaged and the clean photographs.
        name: what the pairs are called.
    """
    for photograph, degraded, clean in zip(*pairs, strict=True):
        whole = Case("real", name, "{}", clean, degraded)
        crop = Case("real_crop", name, "{}", middle(clean, CROP), middle(degraded, CROP))
        yield photograph, iter((whole, crop))
